# What becomes of people's values before anything is written.

variable "privacy_columns" {
  description = "Rules for columns, the first that matches wins: `table.column=rule`, in which `*` stands for any characters, and the rule is `keep`, `drop`, `null`, `hash`, `hash_exact`, `domain`, `prefix:N` or `network`. docs/how-to/hide-values.md has them."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for rule in var.privacy_columns :
      can(regex("^[^=,.]+\\.[^=,.]+=(keep|drop|null|hash|hash_exact|domain|prefix:[1-9][0-9]*|network)$", rule))
    ])
    error_message = "privacy_columns must be rules like \"signatures.email=hash\" or \"*.*_token=drop\"."
  }

  validation {
    condition     = !anytrue([for rule in var.privacy_columns : can(regex("=hash", rule))]) || var.privacy_secret_arn != null
    error_message = "A rule that hashes needs privacy_secret_arn."
  }
}

variable "privacy_preset" {
  description = "Rules for what `privacy_columns` does not match: `none`, or `controlshift`, those that come with the program for ControlShift's columns."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none", "controlshift"], var.privacy_preset)
    error_message = "privacy_preset must be none or controlshift."
  }
}

variable "privacy_new_columns" {
  description = "What becomes of a column that no rule decides: `keep`, or `drop`."
  type        = string
  default     = "keep"
  nullable    = false

  validation {
    condition     = contains(["keep", "drop"], var.privacy_new_columns)
    error_message = "privacy_new_columns must be keep or drop."
  }
}

variable "privacy_secret_arn" {
  description = "ARN of a secret that holds the key of hashes: all of its text, without a final newline. If it is encrypted by a KMS key of your own, name that in `redshift_secret_kms_key_arn`."
  type        = string
  default     = null

  validation {
    condition     = var.privacy_secret_arn == null || can(regex("^arn:aws[a-z-]*:secretsmanager:", var.privacy_secret_arn))
    error_message = "privacy_secret_arn must be the ARN of a secret."
  }
}
