#!/bin/sh
# Apply, wait, ask a row; whatever fails is undone, and the exit code is 1.
#   sh kubernetes/rollout.sh [NAMESPACE]
# Where callers need an API key, the one to ask with is taken from WHOLEFIT_TOKEN.
set -eu
namespace="${1:-default}"
here="$(cd "$(dirname "$0")" && pwd)"

before="$(kubectl --namespace "$namespace" get deployment/@name@ --ignore-not-found \
  --output jsonpath='{.metadata.annotations.deployment\.kubernetes\.io/revision}')"

back() {
  echo "@name@ @tag@ $1" >&2
  if [ -n "$before" ]; then
    kubectl --namespace "$namespace" rollout undo deployment/@name@ --to-revision="$before"
    kubectl --namespace "$namespace" rollout status deployment/@name@ --timeout=180s
    echo "revision $before answers again" >&2
  else
    echo "there was no revision before it to go back to" >&2
  fi
  exit 1
}

kubectl --namespace "$namespace" apply --kustomize "$here"
kubectl --namespace "$namespace" rollout status deployment/@name@ --timeout=180s \
  || back "did not become ready"

pod="$(kubectl --namespace "$namespace" get pods --field-selector=status.phase=Running \
  --selector=app.kubernetes.io/name=@name@,app.kubernetes.io/version=@tag@ \
  --output jsonpath='{.items[0].metadata.name}')" || back "has no running pod"
printf '%s\n' "${WHOLEFIT_TOKEN:-}" \
  | kubectl --namespace "$namespace" exec --stdin "$pod" -- \
    python /app/smoke.py http://127.0.0.1:@port@ - \
  || back "does not answer"
echo "@name@ @tag@ answers"
