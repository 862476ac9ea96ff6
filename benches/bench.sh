#!/usr/bin/env bash
# Every figure of docs/performance.md, in one run: about fifteen minutes. Installs nginx and wrk, the
# yardsticks for serving, where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in nginx wrk; do
  if ! command -v "$tool" >/dev/null; then
    echo "bench: installing nginx-light and wrk"
    apt-get install -y -q nginx-light wrk >/dev/null
  fi
done
.ci/parts prometheus
for bench in scale serving footprint policy journal rules; do
  echo "== $bench"
  cargo bench --quiet --bench "$bench"
done
