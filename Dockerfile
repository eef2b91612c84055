# Hookline as an image: docker build --tag hookline . (the page /docs/operating/docker says the rest)
# The Python on which all tests run; a rebuild takes its newest patch release.
ARG PYTHON=3.11-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/hookline && python -m venv /opt/build
WORKDIR /source
# Before the sources: what they need changes less often than they do. Nothing that the lock does not name
# by its hash comes in, and nothing is compiled.
COPY requirements-server.lock ./
RUN /opt/hookline/bin/pip install --require-hashes --only-binary :all: --requirement requirements-server.lock
COPY . .
RUN /opt/build/bin/pip install --require-hashes --only-binary :all: --requirement requirements-build.lock \
    && /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/hookline/bin/pip install --no-deps --no-index --find-links /wheels hookline

FROM python:${PYTHON}
COPY --from=build /opt/hookline /opt/hookline
# In here it listens to everybody, or nobody could reach it; which port the host opens is said at `docker run`.
ENV PATH=/opt/hookline/bin:$PATH PYTHONUNBUFFERED=1 HOOKLINE_SERVER_HOST=0.0.0.0
# All that changes stands in /data: workflows, hookline.toml, and .hookline with the database and the key.
# A new volume begins with the first workflow.
WORKDIR /data
RUN useradd --system --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin hookline \
    && hookline init /data \
    && chown -R 10001:10001 /data
VOLUME /data
USER 10001:10001
EXPOSE 8000
# Requests and runs in hand have 20 s to end; `docker stop --time 30`, since Docker kills after 10 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client; here = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); here.request('GET', '/healthz'); raise SystemExit(here.getresponse().status != 200)"]
ENTRYPOINT ["hookline"]
CMD ["serve"]
