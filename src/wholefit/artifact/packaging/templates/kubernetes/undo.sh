#!/bin/sh
# Back to the revision before, and wait until it answers.
#   sh kubernetes/undo.sh [NAMESPACE]
set -eu
namespace="${1:-default}"
kubectl --namespace "$namespace" rollout undo deployment/@name@
kubectl --namespace "$namespace" rollout status deployment/@name@ --timeout=180s
