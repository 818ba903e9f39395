# What somebody at a command line needs to do as the module's loads do, ready to paste.

locals {
  # Known before anything is made: the secret's own address is not.
  has_redshift_secret = local.redshift_secret_made ? true : var.redshift_secret_arn != null

  # Whoever logs in to Redshift: the user that was named, or each role that calls the Data API.
  loader_users = local.has_redshift_secret || (!local.serverless && var.redshift_username != null) ? compact([var.redshift_username]) : [
    for role in concat(local.worker_loads ? [aws_iam_role.worker.name] : [], aws_iam_role.task[*].name) : "IAMR:${role}"
  ]

  # As a POSIX shell takes it: in single quotes, where nothing but a single quote means anything.
  environment_lines = [
    for name, value in local.worker_variables : "export ${name}='${replace(value, "'", "'\\''")}'"
  ]
}

output "environment_shell" {
  description = "`environment` as lines for a shell, AWS_REGION with it: `eval \"$(terraform output -raw environment_shell)\"`."
  value       = join("\n", concat(["export AWS_REGION='${var.aws_region}'"], local.environment_lines, [""]))
}

output "redshift_sql_commands" {
  description = "The commands that print the tables of the mirror, the two tables of the ledger, the locks and every grant, one for each user that loads; somebody who owns the schema runs what they print (docs/how-to/run-on-aws.md has the way into a private workgroup)."
  value = [
    for user in local.loader_users :
    "CSL_REDSHIFT_DATABASE='${var.redshift_database_name}' csl-stream schema ddl --ledger --schema '${local.environment_common.CSL_SCHEMA_SOURCE}' --in-schema '${var.redshift_schema}' --user '${user}'"
  ]
}
