#!/usr/bin/env bash
# Who is about to leave? Fit on 6,000 customers, then ask about the 1,043 that were held out.
# Run it with `make demo`; it needs `wholefit` and `python` of one environment on the PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=demo
mkdir -p "$out"

python - "$out" <<'PYTHON'
import sys
from pathlib import Path

import polars as pl

from wholefit.data import bundled

out = Path(sys.argv[1])
rows = pl.read_csv(bundled.path("telco_churn"), infer_schema_length=None)
rows = rows.sample(fraction=1.0, shuffle=True, seed=0)
rows.head(6000).write_csv(out / "train.csv")
rows.tail(-6000).write_csv(out / "held-out.csv")
rows.tail(-6000).drop("churn").write_csv(out / "new.csv")
PYTHON

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run wholefit fit "$out/train.csv" --target churn --budget "${DEMO_BUDGET:-20s}" \
  --out "$out/churn.wf" --report "$out/report.html" --force
run wholefit predict "$out/churn.wf" "$out/new.csv" --out "$out/predictions.csv" --force
run wholefit evaluate "$out/churn.wf" "$out/held-out.csv"

printf '\nThe first predictions (%s):\n' "$out/predictions.csv"
head -n 6 "$out/predictions.csv"
printf '\nOpen %s in a browser.\n' "$out/report.html"
