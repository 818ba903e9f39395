output "webhook_url" {
  description = "Address of the webhook: enter it in ControlShift at Settings > Integrations > Webhooks."
  value       = "${aws_api_gateway_stage.production.invoke_url}/webhook"
}

output "copy_role_arn" {
  description = "Role that COPY reads the staging bucket with. It must be attached to the cluster, or to the workgroup's namespace; the module does not do that, because Terraform can only set all roles of a cluster at once."
  value       = local.copy_role_arn
}

output "attach_copy_role_command" {
  description = "The command that attaches that role to a provisioned cluster; null for a workgroup, or if the role is yours."
  value = (
    var.create_copy_role && !local.serverless ?
    "aws redshift modify-cluster-iam-roles --region ${var.aws_region} --cluster-identifier ${var.redshift_cluster_identifier} --add-iam-roles ${local.copy_role_arn}" :
    null
  )
}

output "loader_role_arns" {
  description = "Roles that call the Data API. Without a secret and without `redshift_username`, their database users are `IAMR:<role name>`: grant them what docs/how-to/prepare-redshift.md lists."
  value       = concat(local.worker_loads ? [aws_iam_role.worker.arn] : [], aws_iam_role.task[*].arn)
}

output "staging_url" {
  description = "Where Parquet is staged."
  value       = local.environment_load.CSL_STAGING_URL
}

output "load_queue_url" {
  description = "Queue of exports that csl-stream loads."
  value       = aws_sqs_queue.load.url
}

output "dead_letter_queue_url" {
  description = "Queue of exports that were given up; `CSL_QUEUE_DEAD_LETTER_URL` of `csl-stream dead-letters`."
  value       = aws_sqs_queue.load_dead_letters.url
}

output "topic_arns" {
  description = "The four SNS topics, by their names."
  value = {
    for topic in [
      aws_sns_topic.success_sns_topic,
      aws_sns_topic.failure_sns_topic,
      aws_sns_topic.glue_job_success,
      aws_sns_topic.glue_job_failure,
    ] : topic.name => topic.arn
  }
}

output "log_groups" {
  description = "Log groups of the receiver, the worker and the Fargate task."
  value = concat(
    [aws_cloudwatch_log_group.webhook.name, aws_cloudwatch_log_group.worker.name],
    aws_cloudwatch_log_group.fargate[*].name,
  )
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard; null without alarms."
  value       = one(aws_cloudwatch_dashboard.loads[*].dashboard_name)
}

output "environment" {
  description = "Environment variables of a load, without secrets: what a run of `csl-stream` by hand needs to do the same."
  value       = local.worker_variables
}
