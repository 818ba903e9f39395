# receiver ─▶ load ─▶ worker ─▶ fargate ─▶ task          what cannot be loaded ─▶ load_dead_letters
#         └─▶ receiver_queue ─▶ the Lambda loader        what it cannot load   ─▶ loader_dead_letters

locals {
  # An export can be read for six hours, and after a day what no worker wanted is a dead letter, which tells what
  # was missed: what SQS itself drops is told to nobody.
  message_seconds     = 2 * 24 * 3600
  dead_letter_seconds = 14 * 24 * 3600

  worker_timeout = local.worker_loads ? 900 : 60
  # Lambda takes messages and gathers them for this long before the function sees them.
  batch_seconds = local.all_tables ? max(var.batch_seconds, 1) : 0
  # The gathering and twice the function's time, so that no message comes back while it runs. AWS advises six
  # times, which would spend the six hours of an export on four tries.
  load_visibility = local.batch_seconds + 2 * local.worker_timeout

  # Where the receiver sends what csl-stream would load: back to the Glue job, if somebody says so.
  load_queue = (
    var.glue_queue_name == null ?
    { url = aws_sqs_queue.load.url, arn = aws_sqs_queue.load.arn } :
    { url = data.aws_sqs_queue.glue[0].url, arn = data.aws_sqs_queue.glue[0].arn }
  )

  # Whether the program makes dead letters or SQS does: SQS only when the program could not. What passes by
  # itself is tried until the export is gone, and SQS counts every taking, also of messages that were only taken
  # beside others: so the most that SQS knows.
  receives_max        = 1000
  loader_receives_max = var.tries + 1
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.load_dead_letters.arn
    maxReceiveCount     = local.receives_max
  })

  # SQS's own encryption, or that of your key: it takes one of the two.
  sqs_managed_sse = var.kms_key_arn == null ? true : null
}

data "aws_sqs_queue" "glue" {
  count = var.glue_queue_name == null ? 0 : 1

  name = var.glue_queue_name
}

resource "aws_sqs_queue" "load" {
  name                       = "${var.name_prefix}-loads"
  visibility_timeout_seconds = local.load_visibility
  message_retention_seconds  = local.message_seconds
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = local.sqs_managed_sse
  kms_master_key_id          = var.kms_key_arn
  redrive_policy             = local.redrive_policy
  tags                       = local.tags
}

resource "aws_sqs_queue" "load_dead_letters" {
  name                      = "${var.name_prefix}-loads-dead"
  message_retention_seconds = local.dead_letter_seconds
  sqs_managed_sse_enabled   = local.sqs_managed_sse
  kms_master_key_id         = var.kms_key_arn
  tags                      = local.tags
}

# What the worker hands over to Fargate.
resource "aws_sqs_queue" "fargate" {
  count = local.fargate ? 1 : 0

  name = "${var.name_prefix}-loads-fargate"
  # The task takes a message for less than a minute and renews that while it works: one that died gives it
  # back soon. This is for whoever takes one without saying for how long.
  visibility_timeout_seconds = 900
  message_retention_seconds  = local.message_seconds
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = local.sqs_managed_sse
  kms_master_key_id          = var.kms_key_arn
  redrive_policy             = local.redrive_policy
  tags                       = local.tags
}

# The queue of the Lambda loader, under its old name.
resource "aws_sqs_queue" "receiver_queue" {
  count = local.loader_kept ? 1 : 0

  name = "${var.name_prefix}-received-webhooks"
  # The loader's timeout is 900 seconds, and its queue had no more: a message could come back too early.
  visibility_timeout_seconds = 1800
  message_retention_seconds  = local.message_seconds
  sqs_managed_sse_enabled    = local.sqs_managed_sse
  kms_master_key_id          = var.kms_key_arn
  tags                       = local.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.loader_dead_letters[0].arn
    maxReceiveCount     = local.loader_receives_max
  })
}

resource "aws_sqs_queue" "loader_dead_letters" {
  count = local.loader_kept ? 1 : 0

  name                      = "${var.name_prefix}-received-webhooks-dead"
  message_retention_seconds = local.dead_letter_seconds
  sqs_managed_sse_enabled   = local.sqs_managed_sse
  kms_master_key_id         = var.kms_key_arn
  tags                      = local.tags
}

# In a trial beside the old module, what that module loads is dropped here: nobody reads this queue, and a
# message lives for a minute.
resource "aws_sqs_queue" "ignored" {
  count = var.small_tables == "ignore" ? 1 : 0

  name                      = "${var.name_prefix}-ignored"
  message_retention_seconds = 60
  sqs_managed_sse_enabled   = local.sqs_managed_sse
  kms_master_key_id         = var.kms_key_arn
  tags                      = local.tags
}
