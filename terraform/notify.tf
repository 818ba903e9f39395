# Who hears of loads, failures and alarms: the four topics of the old module, under their names.

resource "aws_sns_topic" "success_sns_topic" {
  name              = var.success_topic_name
  kms_master_key_id = var.kms_key_arn
  policy            = data.aws_iam_policy_document.topic[var.success_topic_name].json
  tags              = local.tags
}

resource "aws_sns_topic" "failure_sns_topic" {
  name              = var.failure_topic_name
  kms_master_key_id = var.kms_key_arn
  policy            = data.aws_iam_policy_document.topic[var.failure_topic_name].json
  tags              = local.tags
}

resource "aws_sns_topic" "glue_job_success" {
  name              = var.success_topic_name_for_run_glue_job_lambda
  kms_master_key_id = var.kms_key_arn
  policy            = data.aws_iam_policy_document.topic[var.success_topic_name_for_run_glue_job_lambda].json
  tags              = local.tags
}

resource "aws_sns_topic" "glue_job_failure" {
  name              = var.failure_topic_name_for_run_glue_job_lambda
  kms_master_key_id = var.kms_key_arn
  policy            = data.aws_iam_policy_document.topic[var.failure_topic_name_for_run_glue_job_lambda].json
  tags              = local.tags
}

# Roles of this account publish by their own policies. Rules and alarms are services: they need this, and
# only those of this account. The old module let any rule of any account publish.
data "aws_iam_policy_document" "topic" {
  for_each = toset([
    var.success_topic_name,
    var.failure_topic_name,
    var.success_topic_name_for_run_glue_job_lambda,
    var.failure_topic_name_for_run_glue_job_lambda,
  ])

  statement {
    sid       = "RulesAndAlarmsOfThisAccount"
    actions   = ["sns:Publish"]
    resources = ["${local.arn}:sns:${var.aws_region}:${local.account}:${each.key}"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com", "cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values = [
        "${local.arn}:events:${var.aws_region}:${local.account}:rule/*",
        "${local.arn}:cloudwatch:${var.aws_region}:${local.account}:alarm:*",
      ]
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = ["${local.arn}:sns:${var.aws_region}:${local.account}:${each.key}"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
