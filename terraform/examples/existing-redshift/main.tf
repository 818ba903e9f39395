# A provisioned cluster that is there already: signatures in Fargate, nothing of the old module.
#
# The database user logs in with temporary credentials: no password anywhere. Before the first load, in the
# cluster: CREATE USER csl_stream PASSWORD DISABLE; and the grants of docs/how-to/prepare-redshift.md.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.25, < 7.0"
    }
  }
}

provider "aws" {
  region = var.aws_region
}

module "csl_stream" {
  source = "../.."

  aws_region = var.aws_region
  # In another region than Redshift: what Fargate loads comes by the NAT gateway (docs/how-to/cost.md).
  controlshift_aws_region        = "eu-central-1"
  controlshift_hostname          = var.controlshift_hostname
  controlshift_organization_slug = var.controlshift_organization_slug
  webhook_secret_arn             = var.webhook_secret_arn

  small_tables = "csl-stream"
  # Large exports in Fargate, the rest in the worker function.
  fargate_over_bytes = 500000000
  lambda_zip_path    = var.lambda_zip_path
  container_image    = var.container_image

  manifest_bucket_name = "${var.bucket_prefix}-manifests"
  staging_bucket_name  = "${var.bucket_prefix}-staging"

  redshift_cluster_identifier = var.redshift_cluster_identifier
  redshift_database_name      = var.redshift_database_name
  redshift_username           = "csl_stream"

  vpc_id             = var.vpc_id
  fargate_subnet_ids = var.private_subnet_ids
}
