# The bucket for staged Parquet, in Redshift's region: COPY takes Parquet from no other.

# The bucket that held the Glue script is the staging bucket now.
moved {
  from = aws_s3_bucket.glue_resources
  to   = aws_s3_bucket.staging
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.glue_resources
  to   = aws_s3_bucket_lifecycle_configuration.staging
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.glue_resources
  to   = aws_s3_bucket_server_side_encryption_configuration.staging
}

moved {
  from = aws_s3_bucket_ownership_controls.glue_resources
  to   = aws_s3_bucket_ownership_controls.staging
}

resource "aws_s3_bucket" "staging" {
  bucket = local.staging_bucket_name
  tags   = merge(local.tags, { Name = "Parquet of ControlShift's exports, staged for COPY" })
}

resource "aws_s3_bucket_public_access_block" "staging" {
  bucket                  = aws_s3_bucket.staging.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "staging" {
  bucket = aws_s3_bucket.staging.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "staging" {
  bucket = aws_s3_bucket.staging.id

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "staging" {
  bucket = aws_s3_bucket.staging.id

  rule {
    id     = "expire-staged"
    status = "Enabled"

    filter {
      prefix = "${var.staging_prefix}/"
    }

    expiration {
      days = var.staging_days
    }
  }

  # Parts of a load that was killed.
  rule {
    id     = "abort-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # What the Glue job left behind: its script stays for whoever goes back, its temporary files do not.
  rule {
    id     = "expire-glue-temp"
    status = "Enabled"

    filter {
      prefix = "${var.controlshift_environment}/temp/"
    }

    expiration {
      days = 7
    }
  }
}

resource "aws_s3_bucket_policy" "staging" {
  bucket = aws_s3_bucket.staging.id
  policy = data.aws_iam_policy_document.tls_only["staging"].json

  depends_on = [aws_s3_bucket_public_access_block.staging]
}

# The bucket for manifests, where the old module had it: in ControlShift's region.

resource "aws_s3_bucket" "manifest" {
  region = var.controlshift_aws_region
  bucket = var.manifest_bucket_name
  tags   = merge(local.tags, { Name = "ControlShift puts import manifests here" })
}

resource "aws_s3_bucket_public_access_block" "manifest" {
  region                  = var.controlshift_aws_region
  bucket                  = aws_s3_bucket.manifest.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "manifest" {
  # checkov:skip=CKV2_AWS_65: the ACL below must stay, see there; public ones are blocked
  region = var.controlshift_aws_region
  bucket = aws_s3_bucket.manifest.id

  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

# It changes nothing. It is here because the old module made it by a provider of its own: whatever of that
# is left in the state without standing here cannot be planned.
resource "aws_s3_bucket_acl" "manifest" {
  region = var.controlshift_aws_region
  bucket = aws_s3_bucket.manifest.id
  acl    = "private"

  depends_on = [aws_s3_bucket_ownership_controls.manifest]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "manifest" {
  region = var.controlshift_aws_region
  bucket = aws_s3_bucket.manifest.id

  rule {
    # A key of one region encrypts nothing in another.
    bucket_key_enabled = local.manifest_kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = local.manifest_kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = local.manifest_kms_key_arn
    }
  }
}

locals {
  manifest_kms_key_arn = var.controlshift_aws_region == var.aws_region ? var.kms_key_arn : null
}

resource "aws_s3_bucket_lifecycle_configuration" "manifest" {
  region = var.controlshift_aws_region
  bucket = aws_s3_bucket.manifest.id

  # Long enough to find out what went wrong.
  rule {
    id     = "expire-manifests"
    status = "Enabled"

    filter {}

    expiration {
      days = 5
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_policy" "manifest" {
  region = var.controlshift_aws_region
  bucket = aws_s3_bucket.manifest.id
  policy = data.aws_iam_policy_document.tls_only["manifest"].json

  depends_on = [aws_s3_bucket_public_access_block.manifest]
}

data "aws_iam_policy_document" "tls_only" {
  for_each = { staging = aws_s3_bucket.staging.arn, manifest = aws_s3_bucket.manifest.arn }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [each.value, "${each.value}/*"]

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
