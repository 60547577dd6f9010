#!/bin/sh
# An endpoint, and this version on it without requests; it is asked a row, and then given a share.
# Needs the Azure CLI with the extension ml (version 2), and RESOURCE_GROUP and WORKSPACE.
#   sh azure/deploy.sh [SHARE]     per cent of the requests for this version, 100 if left out
set -eu
: "${RESOURCE_GROUP:?the resource group}"
: "${WORKSPACE:?the workspace}"
share="${1:-100}"
here="$(cd "$(dirname "$0")" && pwd)"

ml() {
  az ml "$@" --resource-group "$RESOURCE_GROUP" --workspace-name "$WORKSPACE"
}

before=""
if ml online-endpoint show --name @name@ >/dev/null 2>&1; then
  before="$(ml online-deployment list --endpoint-name @name@ --query '[0].name' --output tsv)"
else
  ml online-endpoint create --file "$here/endpoint.yml"
fi
ml online-deployment create --file "$here/deployment.yml"
# A row for this version alone; where it has no answer it goes, and the old one never stopped.
if [ "$(cat "$here/../example.json")" != null ] && ! ml online-endpoint invoke --name @name@ --deployment-name @azure@ \
    --request-file "$here/../example.json"; then
  ml online-deployment delete --name @azure@ --endpoint-name @name@ --yes
  exit 1
fi
if [ -z "$before" ] || [ "$share" -eq 100 ]; then
  ml online-endpoint update --name @name@ --traffic "@azure@=100"
else
  ml online-endpoint update --name @name@ --traffic "@azure@=$share $before=$((100 - share))"
fi
if [ -n "$before" ]; then
  echo "back to the version before: az ml online-endpoint update --name @name@ --traffic $before=100"
fi
