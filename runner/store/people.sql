-- insert_token
INSERT INTO tokens (digest, kind, name, role, created_at, expires_at, id, user_id, token_id, may_run,
                    made_by, address, browser)
VALUES (:digest, :kind, :name, :role, :created_at, :expires_at, :id, :user_id, :token_id, :may_run,
        :made_by, :address, :browser);

-- token
SELECT t.id, coalesce(u.id, 'token:' || t.name), coalesce(u.name, t.name), coalesce(u.role, t.role),
       coalesce(u.may_run, t.may_run), u.email, t.used_at
FROM tokens t LEFT JOIN users u ON u.id = t.user_id
WHERE t.digest = :digest AND t.kind = :kind AND (t.expires_at IS NULL OR t.expires_at > :now)
  AND u.disabled_at IS NULL;

-- use_token
UPDATE tokens SET used_at = :now WHERE id = :id;

-- delete_digest
DELETE FROM tokens WHERE digest = :digest;

-- delete_over
DELETE FROM tokens WHERE kind = :kind AND expires_at <= :now;

-- tokens
SELECT id, name, role, may_run, created_at, made_by, used_at, expires_at
FROM tokens WHERE kind = 'api' ORDER BY created_at, id;

-- sessions
SELECT t.id, coalesce(u.id, 'token:' || t.name), coalesce(u.name, t.name), u.email, coalesce(u.role, t.role),
       t.created_at, t.used_at, t.expires_at, t.address, t.browser
FROM tokens t LEFT JOIN users u ON u.id = t.user_id
WHERE t.kind = 'session' AND t.expires_at > :now
  AND (CAST(:key AS TEXT) IS NULL OR coalesce(u.id, 'token:' || t.name) = :key)
ORDER BY t.created_at DESC, t.id;

-- delete_session
DELETE FROM tokens
WHERE id = :id AND kind = 'session' AND (CAST(:key AS TEXT) IS NULL OR coalesce(user_id, 'token:' || name) = :key)
RETURNING coalesce((SELECT u.name FROM users u WHERE u.id = tokens.user_id), name);

-- delete_token
DELETE FROM tokens WHERE id = :id AND kind = 'api' RETURNING name;

-- delete_sessions_of_token
DELETE FROM tokens WHERE token_id = :id;

-- delete_of_user
DELETE FROM tokens WHERE user_id = :id;

-- delete_links_of_user
DELETE FROM tokens WHERE user_id = :id AND kind = 'link';

-- delete_links_of_nobody
DELETE FROM tokens WHERE user_id IS NULL AND kind = 'link';

-- any_user
SELECT 1 FROM users LIMIT 1;

-- users
SELECT id, email, name, role, may_run, password IS NOT NULL, created_at, signed_in_at, disabled_at
FROM users ORDER BY lower(name), id;

-- user
SELECT id, email, name, role, may_run, password IS NOT NULL, created_at, signed_in_at, disabled_at
FROM users WHERE id = :id;

-- user_by_email
SELECT id, email, name, role, may_run, password IS NOT NULL, created_at, signed_in_at, disabled_at, password
FROM users WHERE email = :email;

-- user_by_identity
SELECT id, email, name, role, may_run, password IS NOT NULL, created_at, signed_in_at, disabled_at, password
FROM users WHERE identity = :identity;

-- insert_user
INSERT INTO users (id, email, name, role, may_run, password, identity, created_at)
VALUES (:id, :email, :name, :role, :may_run, :password, :identity, :created_at)
ON CONFLICT DO NOTHING;

-- update_user
UPDATE users SET name = :name, role = :role, may_run = :may_run, disabled_at = :disabled_at WHERE id = :id;

-- other_admin
SELECT 1 FROM users WHERE role = 'admin' AND disabled_at IS NULL AND id <> :id LIMIT 1;

-- set_password
UPDATE users SET password = :password WHERE id = :id;

-- rehash
UPDATE users SET password = :password WHERE id = :id AND password = :was;

-- set_identity
UPDATE users SET identity = :identity WHERE id = :id AND identity IS NULL;

-- signed_in
UPDATE users SET signed_in_at = :now WHERE id = :id;

-- delete_user
DELETE FROM users WHERE id = :id;

-- insert_audit
INSERT INTO audit (at, who_key, who_name, verb, kind, name, facts)
VALUES (:at, :who_key, :who_name, :verb, :kind, :name, :facts);

-- audit
SELECT number, at, who_key, who_name, verb, kind, name, facts FROM audit
WHERE number < :before
  AND (CAST(:kind AS TEXT) IS NULL OR kind = :kind)
  AND (CAST(:who AS TEXT) IS NULL OR who_key = :who)
  AND (CAST(:text AS TEXT) IS NULL OR instr(lower(who_name || ' ' || verb || ' ' || kind || ' ' || name), :text) > 0)
ORDER BY number DESC LIMIT :limit;

-- delete_audit
DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < :before ORDER BY at LIMIT :most);

-- delete_failures
DELETE FROM audit WHERE number IN (
    SELECT number FROM audit WHERE verb = :verb ORDER BY number DESC LIMIT :most OFFSET :keep);
