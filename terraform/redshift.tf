# Which Redshift, as whom, and the role that COPY reads with.

# The Lambda loader needs the cluster's address; csl-stream calls the Data API, which needs its name only.
data "aws_redshift_cluster" "sync_data_target" {
  count = local.loader_kept ? 1 : 0

  cluster_identifier = var.redshift_cluster_identifier
}

locals {
  serverless = var.redshift_workgroup_name != null
  redshift_arn = (
    local.serverless ? var.redshift_workgroup_arn :
    "${local.arn}:redshift:${var.aws_region}:${local.account}:cluster:${var.redshift_cluster_identifier}"
  )

  # Sensitive, but whether it is there is no secret.
  redshift_password_given = nonsensitive(var.redshift_password != null)
  # Not by `&&`: the ARN may be known only after it is made, and a count must be known before.
  redshift_secret_made = local.redshift_password_given ? var.redshift_secret_arn == null : false
  redshift_secret_arn = (
    local.redshift_secret_made ? aws_secretsmanager_secret.redshift[0].arn : var.redshift_secret_arn
  )
  # A user without a password gets temporary credentials; a workgroup takes no user.
  redshift_db_user = local.redshift_secret_arn == null && !local.serverless ? var.redshift_username : null

  copy_role_arn = var.create_copy_role ? aws_iam_role.copy[0].arn : var.redshift_copy_role_arn
}

resource "aws_iam_role" "copy" {
  count = var.create_copy_role ? 1 : 0

  name               = "${var.name_prefix}-copy"
  description        = "Redshift reads the staging bucket of csl-stream with it"
  assume_role_policy = data.aws_iam_policy_document.assume["copy"].json
  tags               = local.tags
}

resource "aws_iam_role_policy" "copy" {
  count = var.create_copy_role ? 1 : 0

  name   = "read-staging"
  role   = aws_iam_role.copy[0].id
  policy = data.aws_iam_policy_document.copy.json
}

data "aws_iam_policy_document" "copy" {
  statement {
    sid       = "ReadStaged"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.staging.arn}/${var.staging_prefix}/*"]
  }

  statement {
    sid       = "ListStaged"
    actions   = ["s3:ListBucket", "s3:GetBucketLocation"]
    resources = [aws_s3_bucket.staging.arn]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "Decrypt"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}
