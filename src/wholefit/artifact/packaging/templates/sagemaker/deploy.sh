#!/bin/sh
# A model, a configuration and an endpoint, or an update of the endpoint that goes back by itself.
# Needs the AWS CLI, version 2, and: ROLE_ARN, BUCKET, IMAGE_URI (the pushed image).
#   sh sagemaker/deploy.sh
set -eu
: "${ROLE_ARN:?the role that SageMaker runs the model with}"
: "${BUCKET:?the bucket for the model, without s3://}"
: "${IMAGE_URI:?the pushed image, such as 123.dkr.ecr.eu-west-1.amazonaws.com/@name@:@tag@-sagemaker}"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

url="s3://$BUCKET/@name@/@tag@/model.tar.gz"
aws s3 cp "$here/model.tar.gz" "$url"
sed -e "s|ROLE_ARN|$ROLE_ARN|" -e "s|IMAGE_URI|$IMAGE_URI|" -e "s|MODEL_URL|$url|" \
  "$here/model.json" > "$work/model.json"
aws sagemaker create-model --cli-input-json "file://$work/model.json"
aws sagemaker create-endpoint-config --cli-input-json "file://$here/endpoint-config.json"

if aws sagemaker describe-endpoint --endpoint-name @name@ >/dev/null 2>&1; then
  # The alarm that turns an update back: a server error in one minute of requests.
  aws cloudwatch put-metric-alarm --alarm-name @name@-5xx --namespace AWS/SageMaker \
    --metric-name Invocation5XXErrors --statistic Sum --period 60 --evaluation-periods 1 \
    --threshold 1 --comparison-operator GreaterThanOrEqualToThreshold \
    --treat-missing-data notBreaching \
    --dimensions Name=EndpointName,Value=@name@ Name=VariantName,Value=main
  aws sagemaker update-endpoint --endpoint-name @name@ \
    --endpoint-config-name @name@-@tag@ \
    --deployment-config "file://$here/deployment-config.json"
else
  aws sagemaker create-endpoint --endpoint-name @name@ --endpoint-config-name @name@-@tag@
fi
aws sagemaker wait endpoint-in-service --endpoint-name @name@

served="$(aws sagemaker describe-endpoint --endpoint-name @name@ \
  --query EndpointConfigName --output text)"
if [ "$served" != "@name@-@tag@" ]; then
  echo "the update was turned back: $served answers" >&2
  exit 1
fi
if [ "$(cat "$here/../example.json")" != null ]; then
  aws sagemaker-runtime invoke-endpoint --endpoint-name @name@ --content-type application/json \
    --body "fileb://$here/../example.json" "$work/answer.json"
  cat "$work/answer.json"
fi
