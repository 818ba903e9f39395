# csl-stream for all tables, full and incremental, in place of the Lambda loader whose runtime has ended.
#
# Exports of more than 500 MB, as they lie in S3, are loaded in Fargate, the others by the worker function.
# Incremental exports come once a minute for each table: they are gathered for five minutes, or until there
# are fifty, and loaded one after the other by one run of the function. Each waits for Redshift more than it
# computes, so that the function has little memory: it is billed for the waiting.

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

  aws_region                     = var.aws_region
  controlshift_hostname          = var.controlshift_hostname
  controlshift_organization_slug = var.controlshift_organization_slug
  webhook_secret_arn             = var.webhook_secret_arn

  small_tables       = "csl-stream"
  compute            = "fargate"
  fargate_over_bytes = 500000000
  batch_files        = 50
  batch_seconds      = 300
  worker_concurrency = 10
  worker_memory_mb   = 1769

  architecture         = "arm64"
  lambda_zip_s3_bucket = var.artifacts_bucket
  lambda_zip_s3_key    = "csl-stream/lambda-arm64.zip"
  container_image      = var.container_image

  manifest_bucket_name = "${var.bucket_prefix}-manifests"
  staging_bucket_name  = "${var.bucket_prefix}-staging"

  redshift_cluster_identifier = var.redshift_cluster_identifier
  redshift_database_name      = var.redshift_database_name
  redshift_secret_arn         = var.redshift_secret_arn
  # As the Lambda loader and the Glue job did: reports that test for NULL go on working.
  empty_strings = "null"

  vpc_id             = var.vpc_id
  fargate_subnet_ids = var.private_subnet_ids

  kms_key_arn      = var.kms_key_arn
  alarm_topic_arns = var.alarm_topic_arns
}
