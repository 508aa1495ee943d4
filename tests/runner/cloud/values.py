"""What a user fills in: values that make configs/vertex.yaml complete, of no real project."""

DIGEST = "sha256:" + 64 * "0"
REGISTRY = "europe-west4-docker.pkg.dev/my-project/noduleflow"
OVERRIDES = (
    "data.roots=[gs://my-bucket/luna16]",
    "vertex.project=my-project",
    f"vertex.image={REGISTRY}/noduleflow@{DIGEST}",
    "vertex.pipeline_root=gs://my-bucket/noduleflow",
    "vertex.service_account=noduleflow@my-project.iam.gserviceaccount.com",
    f"vertex.push.endpoint.serving_image={REGISTRY}/tensorflow-serving:2.21.0@{DIGEST}",
)
ARGUMENTS = tuple(word for override in OVERRIDES for word in ("--set", override))
