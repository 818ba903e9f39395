# Secrets whose text stays out of the state: written only, never read back. Their versions say when the text
# has changed.

resource "aws_secretsmanager_secret" "redshift" {
  count = local.redshift_secret_made ? 1 : 0

  name_prefix = "${var.name_prefix}-redshift-"
  description = "Database user of ControlShift's mirror in Redshift"
  kms_key_id  = var.kms_key_arn
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "redshift" {
  count = local.redshift_secret_made ? 1 : 0

  secret_id = aws_secretsmanager_secret.redshift[0].id
  secret_string_wo = jsonencode({
    username = var.redshift_username
    password = var.redshift_password
  })
  secret_string_wo_version = var.redshift_password_version
}

locals {
  webhook_secret_made = nonsensitive(var.webhook_secret != null)
  webhook_secret_arn  = local.webhook_secret_made ? aws_secretsmanager_secret.webhook[0].arn : var.webhook_secret_arn
  webhook_signed      = local.webhook_secret_made || var.webhook_secret_arn != null
}

resource "aws_secretsmanager_secret" "webhook" {
  count = local.webhook_secret_made ? 1 : 0

  name_prefix = "${var.name_prefix}-webhook-"
  description = "Signing secret of ControlShift's webhooks"
  kms_key_id  = var.kms_key_arn
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "webhook" {
  count = local.webhook_secret_made ? 1 : 0

  secret_id                = aws_secretsmanager_secret.webhook[0].id
  secret_string_wo         = var.webhook_secret
  secret_string_wo_version = var.webhook_secret_version
}

check "webhooks_are_signed" {
  assert {
    condition     = local.webhook_signed
    error_message = "Webhooks are taken unsigned: whoever finds the address can send them. Set a signing secret in ControlShift and give it as webhook_secret or webhook_secret_arn."
  }
}
