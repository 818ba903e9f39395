# The way to S3 of this region without a NAT gateway, and the Fargate task's security group.

data "aws_route_tables" "all_route_tables" {
  count = local.s3_endpoint ? 1 : 0

  vpc_id = var.vpc_id
}

locals {
  # What runs in the VPC: the task, and the kept loader.
  s3_endpoint = var.create_s3_endpoint && (local.fargate || local.loader_kept)
}

resource "aws_vpc_endpoint" "s3" {
  count = local.s3_endpoint ? 1 : 0

  vpc_id            = var.vpc_id
  service_name      = "com.amazonaws.${var.aws_region}.s3"
  vpc_endpoint_type = "Gateway"
  tags              = merge(local.tags, { Name = "${var.name_prefix}-s3" })
}

resource "aws_vpc_endpoint_route_table_association" "s3" {
  count = local.s3_endpoint ? length(data.aws_route_tables.all_route_tables[0].ids) : 0

  route_table_id  = data.aws_route_tables.all_route_tables[0].ids[count.index]
  vpc_endpoint_id = aws_vpc_endpoint.s3[0].id
}

# Nothing comes in. Out goes HTTPS only: to AWS and to ControlShift's host.
resource "aws_security_group" "fargate" {
  count = local.fargate ? 1 : 0

  name        = "${var.name_prefix}-load"
  description = "Loads of ControlShift exports by csl-stream"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${var.name_prefix}-load" })
}

resource "aws_vpc_security_group_egress_rule" "fargate_https" {
  count = local.fargate ? 1 : 0

  security_group_id = aws_security_group.fargate[0].id
  description       = "HTTPS to AWS and to ControlShift"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
  tags              = local.tags
}
