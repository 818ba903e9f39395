# Inputs that controlshift/controlshift-redshift-sync did not have: who is told of causes, and where rejects stay.

variable "alerts_slack_url" {
  description = "Incoming webhook of a Slack channel that is told once of each cause, and once when it is over. A password: it stands in the functions' environment and in the state, because Lambda has no other place for it; `kms_key_arn` encrypts the one, your backend the other."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.alerts_slack_url == null || startswith(coalesce(var.alerts_slack_url, "-"), "https://")
    error_message = "alerts_slack_url must begin with https://."
  }
}

variable "alerts_teams_url" {
  description = "Webhook of a workflow of Microsoft Teams, as `alerts_slack_url`."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.alerts_teams_url == null || startswith(coalesce(var.alerts_teams_url, "-"), "https://")
    error_message = "alerts_teams_url must begin with https://."
  }
}

variable "alerts_webhook_url" {
  description = "Any other program's webhook, which gets JSON, as `alerts_slack_url`; needs `alerts_webhook_secret`."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.alerts_webhook_url == null || startswith(coalesce(var.alerts_webhook_url, "-"), "https://")
    error_message = "alerts_webhook_url must begin with https://."
  }

  validation {
    condition     = (var.alerts_webhook_url == null) == (var.alerts_webhook_secret == null)
    error_message = "alerts_webhook_url and alerts_webhook_secret go together: what is not signed, anybody can send."
  }
}

variable "alerts_webhook_secret" {
  description = "What signs the messages to `alerts_webhook_url`."
  type        = string
  default     = null
  sensitive   = true
}

variable "alerts_on" {
  description = "What the three are told of: `failure`, `dead_letter`, `schema_change`, `drift`."
  type        = list(string)
  default     = ["failure", "dead_letter", "schema_change", "drift"]
  nullable    = false

  validation {
    condition     = length(var.alerts_on) > 0 && length(setsubtract(var.alerts_on, ["failure", "dead_letter", "schema_change", "drift"])) == 0
    error_message = "alerts_on must be some of failure, dead_letter, schema_change and drift."
  }
}

variable "rejects_url" {
  description = "Place of rejected records, like `s3://my-bucket/rejects`; the bucket is yours, in `aws_region`, and the loading roles may use that prefix of it. Absent: beside what is staged, where `staging_days` ends them."
  type        = string
  default     = null

  validation {
    condition     = var.rejects_url == null || can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^/*?]+(/[^/*?]+)*$", var.rejects_url))
    error_message = "rejects_url must be s3://bucket/prefix, without a slash at its end."
  }
}

variable "rejects_days" {
  description = "Days that rejected records stay; 0: for ever."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.rejects_days >= 0
    error_message = "rejects_days must not be negative."
  }
}
