#!/bin/sh
# Types and tests of the editor, and whether what is committed in web/static/editor is what this source makes.
# Says in one line why where Node or the package registry is not at hand.
set -eu
cd "$(dirname "$0")"
if ! command -v node > /dev/null || [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -lt 20 ]; then
  echo "editor: not checked, Node 20 or newer is not at hand"; exit 0
fi
stamp=node_modules/.installed
if ! cmp -s package-lock.json "$stamp"; then
  if ! npm ci --no-audit --no-fund --loglevel=error; then
    echo "editor: not checked, its packages could not be fetched"; exit 0
  fi
  cp package-lock.json "$stamp"
fi
npm run --silent check
npm run --silent test
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
EDITOR_OUT="$out" npm run --silent build > /dev/null
if ! diff -rq "$out" ../static/editor; then
  echo "editor: web/static/editor is not what web/editor makes; run: make editor"; exit 1
fi
