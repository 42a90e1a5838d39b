# A first server with an exported model in it.
#   docker build -f docker/server.Dockerfile --build-arg MODEL=serving/vaegan -t zoo-server .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8501:8501 zoo-server
FROM python:3.11-slim-bookworm
RUN useradd --create-home zoo
WORKDIR /zoo
COPY pyproject.toml setup.py README.md LICENSE ./
COPY zoo zoo
COPY experiments experiments
RUN pip install --no-cache-dir '.[serve]'
ARG MODEL=serving/vaegan
COPY ${MODEL} /${MODEL}
ENV MODEL_DIR=/${MODEL}
USER zoo
EXPOSE 8501
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz')"]
CMD ["sh", "-c", "exec python -m experiments.serve --model_dir=$MODEL_DIR --host=0.0.0.0 --port=8501"]
