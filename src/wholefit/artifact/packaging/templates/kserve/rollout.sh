#!/bin/sh
# A canary: SHARE per cent of the requests for the new image, then all of them once it is ready.
# (Shares need KServe's serverless mode; in the other, a change replaces the pods.)
#   sh kserve/rollout.sh [NAMESPACE] [SHARE]
set -eu
namespace="${1:-default}"
share="${2:-10}"
here="$(cd "$(dirname "$0")" && pwd)"

if kubectl --namespace "$namespace" get inferenceservice/@name@ >/dev/null 2>&1; then
  kubectl --namespace "$namespace" patch --local --filename "$here/inferenceservice.yaml" \
    --type merge --patch "{\"spec\":{\"predictor\":{\"canaryTrafficPercent\":$share}}}" \
    --output yaml | kubectl --namespace "$namespace" apply --filename -
else
  kubectl --namespace "$namespace" apply --filename "$here/inferenceservice.yaml"
fi
if ! kubectl --namespace "$namespace" wait --for=condition=Ready inferenceservice/@name@ \
    --timeout=300s; then
  echo "@name@ @tag@ did not become ready: no request goes to it" >&2
  kubectl --namespace "$namespace" patch inferenceservice/@name@ --type merge \
    --patch '{"spec":{"predictor":{"canaryTrafficPercent":0}}}'
  exit 1
fi
echo "@name@ @tag@ answers $share % of the requests. All of them:"
echo "  kubectl --namespace $namespace patch inferenceservice/@name@ --type json \\"
echo "    --patch '[{\"op\":\"remove\",\"path\":\"/spec/predictor/canaryTrafficPercent\"}]'"
echo "None of them: the same with canaryTrafficPercent 0, as this script does on failure."
