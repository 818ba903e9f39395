data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  arn       = "arn:${local.partition}"

  fargate     = var.compute == "fargate"
  loader_kept = var.small_tables == "lambda-redshift-loader"
  all_tables  = var.small_tables == "csl-stream"
  # Without a size from which Fargate takes over, the worker loads nothing by itself.
  worker_loads = !local.fargate || var.fargate_over_bytes > 0

  tags = merge({ Application = "controlshift-redshift" }, var.tags)

  # ControlShift's bucket: in the EU its name ends in the region's.
  exports_bucket = coalesce(
    var.exports_bucket_name,
    var.controlshift_environment == "production" && var.controlshift_aws_region == "eu-central-1"
    ? "agra-data-exports-production-eu-central-1"
    : "agra-data-exports-${var.controlshift_environment}"
  )
  exports_arn = "${local.arn}:s3:::${local.exports_bucket}"

  staging_bucket_name = coalesce(var.staging_bucket_name, var.glue_scripts_bucket_name)

  # One queue takes what csl-stream loads; everything else goes to the loader's, or to where it is dropped.
  others_queue = (
    local.loader_kept ? one(aws_sqs_queue.receiver_queue) :
    local.all_tables ? null :
    one(aws_sqs_queue.ignored)
  )
  others_queue_arns = local.others_queue == null ? [] : [local.others_queue.arn]

  # Who hears of csl-stream's loads: with the old loader beside it, those who heard of the Glue job.
  success_topic_arn = local.all_tables ? aws_sns_topic.success_sns_topic.arn : aws_sns_topic.glue_job_success.arn
  failure_topic_arn = local.all_tables ? aws_sns_topic.failure_sns_topic.arn : aws_sns_topic.glue_job_failure.arn
}

# Resources are made where the provider is; what names a region by itself must agree with it.
data "aws_region" "current" {
  lifecycle {
    postcondition {
      condition     = self.region == var.aws_region
      error_message = "The AWS provider is in another region than aws_region says: configure it with region = var.aws_region."
    }
  }
}
