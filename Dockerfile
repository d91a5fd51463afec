# One image for every role: `evidence-gate webhook`, the operator, and the command line.
#
#   make image                                  or: docker build -t execution-evidence-gate .
#   --build-arg BASE=…                          any slim image with Python 3.11 or newer and ca-certificates, best named by digest
#   --build-arg SOURCE_DATE_EPOCH=…             seconds since 1970; the time of every file that is added
#
# The same sources, base and SOURCE_DATE_EPOCH give the same bytes; docs/operations.md says how to compare.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# The program's environment is made without pip; pip works on it from outside.
RUN python3 -m venv /tools && python3 -m venv --without-pip /opt/evidence-gate
COPY requirements/ requirements/
# Wheels alone: nothing is compiled, so no compiler is needed, and no setup script of others runs.
RUN /tools/bin/pip --python /opt/evidence-gate/bin/python install --no-compile --only-binary :all: --require-hashes \
      --requirement requirements/runtime.txt
# The build backend, as the development lock pins it. A dependency that this list forgot fails for want of a hash.
RUN awk '/^[a-z]/ {wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/} wanted' \
      requirements/dev.txt > requirements/backend.txt \
 && /tools/bin/pip install --only-binary :all: --require-hashes --requirement requirements/backend.txt
COPY pyproject.toml README.md LICENSE ./
COPY webhook/ webhook/
RUN /tools/bin/python -m hatchling build --target wheel --directory /dist \
 && /tools/bin/pip --python /opt/evidence-gate/bin/python install --no-compile --no-deps --no-index /dist/*.whl
ARG SOURCE_DATE_EPOCH=0
# Nobody can write byte code into a read-only root. Unchecked, because a builder may set the sources' times later,
# and byte code that compares them would count as stale at every start. The Kubernetes client's thousands of models
# are loaded one by one if at all, so their byte code would only be weight.
RUN PYTHONHASHSEED=0 /opt/evidence-gate/bin/python -m compileall -q --invalidation-mode unchecked-hash \
      -x '/kubernetes/(aio/)?client/(api|models)/' /opt/evidence-gate/lib \
 && find /opt/evidence-gate -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE}
# pip and its copies go; the standard library gets the byte code that some bases lack. A base with a compiler is no
# slim one.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/* \
      /usr/lib/python3.*/ensurepip /usr/lib/python3/dist-packages/pip* /usr/share/python-wheels \
 && PYTHONHASHSEED=0 python3 -m compileall -q --invalidation-mode unchecked-hash \
      -x '/(site-packages|dist-packages|test|lib2to3)/' "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && for tool in pip pip3 cc gcc clang; do if command -v "$tool"; then exit 1; fi; done \
 && ! python3 -c 'import pip' 2>/dev/null
COPY --from=build /opt/evidence-gate /opt/evidence-gate
ENV PATH=/opt/evidence-gate/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1
ARG BASE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="execution-evidence-gate" \
      org.opencontainers.image.description="A Kubernetes admission gate: nothing runs in production that was never seen running before." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
# By number, so that runAsNonRoot can tell.
USER 65532:65532
WORKDIR /
EXPOSE 8443 8080
# No shell between: the process is number 1 and gets SIGTERM itself.
ENTRYPOINT ["evidence-gate"]
