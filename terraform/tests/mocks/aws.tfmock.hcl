# What the mocked provider answers: made-up values where the module looks at their form.

mock_data "aws_caller_identity" {
  defaults = {
    account_id = "123456789012"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}

mock_data "aws_region" {
  defaults = {
    region = "us-east-1"
  }
}

mock_data "aws_iam_policy_document" {
  defaults = {
    json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  }
}

mock_data "aws_redshift_cluster" {
  defaults = {
    endpoint = "mirror.example.us-east-1.redshift.amazonaws.com"
    port     = 5439
  }
}

mock_data "aws_route_tables" {
  defaults = {
    ids = ["rtb-1", "rtb-2"]
  }
}

mock_data "aws_sqs_queue" {
  defaults = {
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/controlshift-received-webhooks-glue"
    arn = "arn:aws:sqs:us-east-1:123456789012:controlshift-received-webhooks-glue"
  }
}
