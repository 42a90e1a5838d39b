# The page to play with, with a run in it.
#   docker build -f docker/playground.Dockerfile --build-arg RUN=runs/vae-digits -t zoo-playground .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:7860:7860 zoo-playground
FROM python:3.11-slim-bookworm
RUN useradd --create-home zoo
WORKDIR /zoo
COPY pyproject.toml setup.py README.md LICENSE ./
COPY zoo zoo
COPY experiments experiments
RUN pip install --no-cache-dir '.[playground]'
ARG RUN=runs/vae-digits
COPY ${RUN} /${RUN}
ENV RUN_DIR=/${RUN}
USER zoo
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/')"]
CMD ["sh", "-c", "exec python -m experiments.playground --workdir=$RUN_DIR --host=0.0.0.0 --port=7860"]
