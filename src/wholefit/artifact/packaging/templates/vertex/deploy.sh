#!/bin/sh
# A model, an endpoint, and the model on it. Needs the gcloud CLI, and PROJECT and REGION; the image
# must lie in Artifact Registry.
#   sh vertex/deploy.sh [SHARE]     share of the requests for this version, 100 if left out
set -eu
: "${PROJECT:?the project}"
: "${REGION:?the region, such as europe-west4}"
share="${1:-100}"
here="$(cd "$(dirname "$0")" && pwd)"

# Vertex AI sets AIP_HTTP_PORT, AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE to what is said here.
parent="$(gcloud ai models list --project="$PROJECT" --region="$REGION" \
  --filter=displayName=@name@ --format='value(name)' --limit=1)"
gcloud ai models upload --project="$PROJECT" --region="$REGION" --display-name=@name@ \
  ${parent:+--parent-model="$parent"} \
  --version-aliases=@tag@ \
  --container-image-uri=@image@:@tag@ \
  --container-ports=@port@ \
  --container-health-route=@ready@ \
  --container-predict-route=@predict@
model="$(gcloud ai models list --project="$PROJECT" --region="$REGION" \
  --filter=displayName=@name@ --format='value(name)' --limit=1)"

endpoint="$(gcloud ai endpoints list --project="$PROJECT" --region="$REGION" \
  --filter=displayName=@name@ --format='value(name)' --limit=1)"
if [ -z "$endpoint" ]; then
  gcloud ai endpoints create --project="$PROJECT" --region="$REGION" --display-name=@name@
  endpoint="$(gcloud ai endpoints list --project="$PROJECT" --region="$REGION" \
    --filter=displayName=@name@ --format='value(name)' --limit=1)"
  share=100
fi
# The version that answers now keeps the rest.
ids="$(gcloud ai endpoints describe "$endpoint" --project="$PROJECT" --region="$REGION" \
  --format='value(deployedModels.id)')"
before="${ids##*;}"
split="0=$share"
if [ -n "$before" ] && [ "$share" -lt 100 ]; then split="0=$share,$before=$((100 - share))"; fi
gcloud ai endpoints deploy-model "$endpoint" --project="$PROJECT" --region="$REGION" \
  --model="$model@@tag@" --display-name=@name@-@tag@ --machine-type=n2-standard-2 \
  --min-replica-count=@low@ --max-replica-count=@high@ --traffic-split="$split"

if [ "$(cat "$here/../example.json")" != null ]; then
  gcloud ai endpoints predict "$endpoint" --project="$PROJECT" --region="$REGION" \
    --json-request="$here/request.json"
fi
if [ -n "$before" ]; then
  echo "back to the version before, should this one fail:"
  echo "  gcloud ai endpoints update $endpoint --region=$REGION --traffic-split=$before=100"
fi
