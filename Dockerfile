# One image for every process of Confer, and for the sandbox. docker-compose.yml says which command each one runs.
FROM python:3.11-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/confer
ENV PATH=/opt/confer/bin:$PATH
WORKDIR /app
# the libraries first: they change less often than the code
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
# editable, so that the code is there once; the install is for the commands that celery finds by their entry points
RUN pip install --no-deps --editable . && python -m compileall -q /app

FROM python:3.11-slim-bookworm

# A new volume at /data takes over owner and mode of that directory: the issuer's keys will be in it.
# Certificates are typeset with the fonts of the image: without these, names in other scripts show empty boxes
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-core fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 confer \
    && useradd --uid 10001 --gid confer --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin confer \
    && install --directory --owner=confer --group=confer --mode=700 /data

COPY --from=build /opt/confer /opt/confer
COPY --from=build /app /app
ENV PATH=/opt/confer/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CONFER_DATA=/data
WORKDIR /app
USER 10001:10001
EXPOSE 8080
CMD ["gunicorn", "web:create_app()", "--bind", "0.0.0.0:8080", "--no-control-socket"]
