# A load, wherever it runs.
data "aws_iam_policy_document" "load" {
  statement {
    sid       = "ReadExports"
    actions   = ["s3:GetObject"]
    resources = ["${local.exports_arn}/${var.controlshift_organization_slug}/*"]

    dynamic "condition" {
      for_each = var.exports_bucket_owner[*]

      content {
        test     = "StringEquals"
        variable = "s3:ResourceAccount"
        values   = [condition.value]
      }
    }
  }

  # For a `backfill` by hand, which looks for the newest export.
  statement {
    sid       = "FindExports"
    actions   = ["s3:ListBucket"]
    resources = [local.exports_arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${var.controlshift_organization_slug}/*"]
    }

    dynamic "condition" {
      for_each = var.exports_bucket_owner[*]

      content {
        test     = "StringEquals"
        variable = "s3:ResourceAccount"
        values   = [condition.value]
      }
    }
  }

  statement {
    sid       = "Stage"
    actions   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.staging.arn}/${var.staging_prefix}/*"]
  }

  statement {
    sid       = "FindStaged"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.staging.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = [var.staging_prefix, "${var.staging_prefix}/*"]
    }
  }

  # Rejected records, where they have a place of their own.
  dynamic "statement" {
    for_each = var.rejects_url[*]

    content {
      sid       = "KeepRejects"
      actions   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
      resources = ["${local.arn}:s3:::${trimprefix(statement.value, "s3://")}/*"]
    }
  }

  dynamic "statement" {
    for_each = var.rejects_url[*]

    content {
      sid       = "FindRejects"
      actions   = ["s3:ListBucket"]
      resources = ["${local.arn}:s3:::${split("/", trimprefix(statement.value, "s3://"))[0]}"]

      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["${join("/", slice(split("/", trimprefix(statement.value, "s3://")), 1, length(split("/", trimprefix(statement.value, "s3://")))))}*"]
      }
    }
  }

  # Deleted is only what `csl-stream check` wrote to see whether it may.
  statement {
    sid     = "KeepManifests"
    actions = ["s3:PutObject", "s3:DeleteObject"]
    resources = [
      "${aws_s3_bucket.manifest.arn}/${var.manifest_prefix}/*",
      "${aws_s3_bucket.manifest.arn}/${var.failed_manifest_prefix}/*",
    ]
  }

  statement {
    sid       = "RunStatements"
    actions   = ["redshift-data:ExecuteStatement", "redshift-data:BatchExecuteStatement"]
    resources = [local.redshift_arn]
  }

  # These know no resource, but whose statement it is.
  statement {
    sid       = "FollowOwnStatements"
    actions   = ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult", "redshift-data:CancelStatement"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "redshift-data:statement-owner-iam-userid"
      values   = ["&{aws:userid}"]
    }
  }

  # The Data API logs in as its caller: with a secret, as a user of the cluster, or as the role itself.
  dynamic "statement" {
    for_each = local.login_secret ? [local.redshift_secret_arn] : []
    content {
      sid       = "LogInBySecret"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.privacy_secret_arn[*]
    content {
      sid       = "KeyOfHashes"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = !local.login_secret && !local.serverless && var.redshift_username != null ? [var.redshift_username] : []
    content {
      sid     = "LogInAsUser"
      actions = ["redshift:GetClusterCredentials"]
      resources = [
        "${local.arn}:redshift:${var.aws_region}:${local.account}:dbuser:${var.redshift_cluster_identifier}/${statement.value}",
        "${local.arn}:redshift:${var.aws_region}:${local.account}:dbname:${var.redshift_cluster_identifier}/${var.redshift_database_name}",
      ]
    }
  }

  dynamic "statement" {
    for_each = !local.login_secret && !local.serverless && var.redshift_username == null ? [1] : []
    content {
      sid     = "LogInAsRole"
      actions = ["redshift:GetClusterCredentialsWithIAM"]
      resources = [
        "${local.arn}:redshift:${var.aws_region}:${local.account}:dbname:${var.redshift_cluster_identifier}/${var.redshift_database_name}",
      ]
    }
  }

  dynamic "statement" {
    for_each = !local.login_secret && local.serverless ? [local.redshift_arn] : []
    content {
      sid       = "LogInToWorkgroup"
      actions   = ["redshift-serverless:GetCredentials"]
      resources = [statement.value]
    }
  }

  # Looked at, here and below, by `csl-stream check`.
  statement {
    sid       = "Tell"
    actions   = ["sns:Publish", "sns:GetTopicAttributes"]
    resources = [local.success_topic_arn, local.failure_topic_arn]
  }

  dynamic "statement" {
    for_each = local.loader_kept ? [1] : []
    content {
      sid       = "RecordBatches"
      actions   = ["dynamodb:PutItem", "dynamodb:DescribeTable"]
      resources = [aws_dynamodb_table.batches[0].arn]
    }
  }

  dynamic "statement" {
    for_each = local.loader_kept ? [1] : []
    content {
      sid       = "RecordFiles"
      actions   = ["dynamodb:UpdateItem", "dynamodb:DescribeTable"]
      resources = [aws_dynamodb_table.processed_files[0].arn]
    }
  }

  dynamic "statement" {
    for_each = var.glue_job_name == null ? [] : [var.glue_job_name]
    content {
      sid       = "WaitForGlueJob"
      actions   = ["glue:GetJobRuns"]
      resources = ["${local.arn}:glue:${var.aws_region}:${local.account}:job/${statement.value}"]
    }
  }

  dynamic "statement" {
    for_each = var.glue_catalog_database == null ? [] : [var.glue_catalog_database]
    content {
      sid     = "RegisterInCatalog"
      actions = ["glue:GetDatabase", "glue:CreateTable", "glue:UpdateTable", "glue:CreatePartition", "glue:DeletePartition"]
      resources = [
        "${local.arn}:glue:${var.aws_region}:${local.account}:catalog",
        "${local.arn}:glue:${var.aws_region}:${local.account}:database/${statement.value}",
        "${local.arn}:glue:${var.aws_region}:${local.account}:table/${statement.value}/*",
      ]
    }
  }
}

locals {
  login_secret = local.redshift_secret_made || var.redshift_secret_arn != null
}
