"""What no template may do, each rule a function from a template to what it finds wrong, in words."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ops.aws.stage import TIMEOUT_SECONDS
from tests.infrastructure.template_values import dicts_in, listed, properties, resources, statements

Template = Mapping[str, Any]
Rule = Callable[[Template], Iterator[str]]

# What takes no tags, or takes them from what it belongs to.
WITHOUT_TAGS = {
    *(f"AWS::EC2::{name}" for name in ("Route", "SubnetRouteTableAssociation", "VPCGatewayAttachment", "VPCEndpoint")),
    *("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"),
    *("AWS::SecretsManager::SecretTargetAttachment", "AWS::SecretsManager::RotationSchedule"),
    *("AWS::IAM::InstanceProfile", "AWS::CloudWatch::Dashboard", "AWS::Budgets::Budget", "AWS::SES::EmailIdentity"),
    *(f"AWS::CloudFront::{name}" for name in ("PublicKey", "KeyGroup", "OriginAccessControl", "CachePolicy")),
    "AWS::Route53::RecordSet",
}
KEPT = ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::RDS::DBInstance", "AWS::SecretsManager::Secret")
GROUP, INGRESS = "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"
# Actions that know no narrower resource; each needs a condition that narrows it instead.
WITHOUT_RESOURCE = {"cloudwatch:PutMetricData"}
NOWHERE = "127.0.0.1/32"


def no_port_is_open(template: Template) -> Iterator[str]:
    """Who may come in is named by security group only, and by port."""
    groups = properties(template, GROUP)
    rules = [(name, one) for name, group in groups.items() for one in listed(group.get("SecurityGroupIngress"))]
    for name, rule in [*rules, *properties(template, INGRESS).items()]:
        if "SourceSecurityGroupId" not in rule or {"CidrIp", "CidrIpv6", "SourcePrefixListId"} & set(rule):
            yield f"{name} lets addresses in"
        if rule["IpProtocol"] != "tcp" or rule.get("FromPort") != rule.get("ToPort") or not rule.get("FromPort"):
            yield f"{name} opens more than one port"


def the_way_out_is_narrow(template: Template) -> Iterator[str]:
    """To the world by 443 only; by other ports within the network."""
    for name, group in properties(template, GROUP).items():
        rules = listed(group.get("SecurityGroupEgress"))
        if not rules:
            yield f"{name} may go anywhere"
        for rule in rules:
            within = rule.get("CidrIp") in ({"Ref": "VpcCidr"}, NOWHERE) or "DestinationSecurityGroupId" in rule
            if not within and (rule.get("IpProtocol"), rule.get("FromPort"), rule.get("ToPort")) != ("tcp", 443, 443):
                yield f"{name} may go out by other ports than 443"


def nothing_is_public(template: Template) -> Iterator[str]:
    for name, subnet in properties(template, "AWS::EC2::Subnet").items():
        if subnet.get("MapPublicIpOnLaunch") is not False:
            yield f"{name} gives public addresses"
    for name, database in properties(template, "AWS::RDS::DBInstance").items():
        if database.get("PubliclyAccessible") is not False:
            yield f"{name} is public"
    for name, bucket in properties(template, "AWS::S3::Bucket").items():
        blocked = bucket.get("PublicAccessBlockConfiguration", {})
        if [blocked.get(one) for one in _BLOCKS] != [True] * 4:
            yield f"{name} does not block public access"
        if bucket.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
            yield f"{name} takes access lists"
    for one in dicts_in(template):
        if one.get("AssociatePublicIpAddress", False) is not False:
            yield "an instance gets a public address"


def no_policy_is_a_star(template: Template) -> Iterator[str]:
    """No `*` action, nobody unnamed, no `*` resource but where an action knows no other and a condition narrows it."""
    for statement in statements(template):
        if statement["Effect"] != "Allow":
            continue
        actions, sid = listed(statement["Action"]), statement.get("Sid", "a statement")
        if any("*" in action for action in actions):
            yield f"{sid} allows a * action"
        if "*" in json.dumps(statement.get("Principal", "")):
            yield f"{sid} allows everybody"
        for resource in listed(statement.get("Resource")):
            if resource == "*" and not (set(actions) <= WITHOUT_RESOURCE and statement.get("Condition")):
                yield f"{sid} allows every resource"
        service = "Service" in statement.get("Principal", {})
        if service and statement["Action"] != "sts:AssumeRole" and "aws:Source" not in json.dumps(statement):
            yield f"{sid} lets a service act for other accounts"


def data_are_kept(template: Template) -> Iterator[str]:
    for name, one in resources(template, *KEPT).items():
        replica = "SourceDBInstanceIdentifier" in one["Properties"]
        given = "SecretString" in one["Properties"]  # whoever gave it can give another
        policies = (one.get("DeletionPolicy"), one.get("UpdateReplacePolicy"))
        if policies != ("Retain", "Retain") and not (replica or given):
            yield f"{name} goes with its stack"


def all_is_encrypted(template: Template) -> Iterator[str]:
    for name, bucket in properties(template, "AWS::S3::Bucket").items():
        if '"SSEAlgorithm"' not in json.dumps(bucket.get("BucketEncryption", {})):
            yield f"{name} is not encrypted"
    for name, database in properties(template, "AWS::RDS::DBInstance").items():
        if database.get("StorageEncrypted") is not True and "SourceDBInstanceIdentifier" not in database:
            yield f"{name} is not encrypted"
    for name, queue in properties(template, "AWS::SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
    for one in dicts_in(template):
        if "Ebs" in one and one["Ebs"].get("Encrypted") is not True:
            yield "a node's disk is not encrypted"


def all_is_said_by_tls(template: Template) -> Iterator[str]:
    policies = json.dumps(properties(template, "AWS::S3::BucketPolicy"))
    if properties(template, "AWS::S3::Bucket") and '"aws:SecureTransport": "false"' not in policies:
        yield "the bucket answers without TLS"
    for name, settings in properties(template, "AWS::RDS::DBParameterGroup").items():
        if settings["Parameters"].get("require_secure_transport") != "1":
            yield f"{name} lets in who comes without TLS"
    for one in dicts_in(properties(template, "AWS::CloudFront::Distribution")):
        if one.get("ViewerProtocolPolicy", "https-only") not in ("https-only", "redirect-to-https"):
            yield "the CDN answers without TLS"
        if one.get("OriginProtocolPolicy", "https-only") != "https-only":
            yield "the CDN asks without TLS"
        if "AcmCertificateArn" in one and one.get("MinimumProtocolVersion") != "TLSv1.2_2021":
            yield "the CDN takes old TLS"


def buckets_are_as_the_store_needs_them(template: Template) -> Iterator[str]:
    for name, bucket in properties(template, "AWS::S3::Bucket").items():
        if bucket.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{name} keeps no versions"
        for cors in (one for one in dicts_in(bucket) if "AllowedOrigins" in one):
            if "*" in json.dumps(cors["AllowedOrigins"]) or set(cors["AllowedMethods"]) != {"POST"}:
                yield f"{name} is open to other sites"
        rules = {one.get("Prefix", ""): one for one in bucket.get("LifecycleConfiguration", {}).get("Rules", ())}
        if rules.get("incoming/", {}).get("ExpirationInDays") != 1:
            yield f"{name} keeps what was never completed"
        if not any("AbortIncompleteMultipartUpload" in one for one in dicts_in(bucket)):
            yield f"{name} keeps parts of unfinished uploads"
        for prefix in ("originals/", "renditions/"):
            if "ExpirationInDays" in rules.get(prefix, {}) or "ExpirationInDays" in rules.get("", {}):
                yield f"{name} removes images by itself"


def nodes_tell_their_facts_by_tokens(template: Template) -> Iterator[str]:
    for name, template_of_nodes in properties(template, "AWS::EC2::LaunchTemplate").items():
        options = template_of_nodes["LaunchTemplateData"].get("MetadataOptions", {})
        if (options.get("HttpTokens"), options.get("HttpPutResponseHopLimit")) != ("required", 1):
            yield f"{name} takes IMDSv1"


def all_is_tagged(template: Template) -> Iterator[str]:
    for name, one in resources(template).items():
        if one["Type"] in WITHOUT_TAGS:
            continue
        given = one["Properties"].get("Tags", [])
        if one["Type"] == "AWS::EC2::LaunchTemplate":
            given = one["Properties"].get("TagSpecifications", [{"Tags": []}])[0]["Tags"]
        tags = {tag["Key"]: tag["Value"] for tag in given}
        if (tags.get("project"), tags.get("environment")) != ("elastic-images", {"Ref": "Environment"}):
            yield f"{name} is not tagged"


def queues_wait_and_give_up(template: Template) -> Iterator[str]:
    for name, queue in properties(template, "AWS::SQS::Queue").items():
        if "Dead" in name:
            continue
        if queue.get("VisibilityTimeout", 0) < 6 * TIMEOUT_SECONDS:
            yield f"{name} gives a message again while it may be under way"
        if queue.get("RedrivePolicy", {}).get("maxReceiveCount") != 5:
            yield f"{name} never gives up"


def alarms_reach_somebody(template: Template) -> Iterator[str]:
    for name, alarm in properties(template, "AWS::CloudWatch::Alarm").items():
        if not alarm.get("AlarmActions") or not alarm.get("OKActions"):
            yield f"{name} tells nobody"
        if "Runbook: docs/operations.md#alarm-" not in alarm.get("AlarmDescription", ""):
            yield f"{name} does not say what to do"
        if "TreatMissingData" not in alarm:
            yield f"{name} does not say what silence means"


def logs_end(template: Template) -> Iterator[str]:
    for name, group in properties(template, "AWS::Logs::LogGroup").items():
        if "RetentionInDays" not in group:
            yield f"{name} is kept for ever"


def names_are_an_environments_own(template: Template) -> Iterator[str]:
    """Two environments of one account and region never share a name."""
    for name, one in properties(template).items():
        for key, value in one.items():
            own = key.endswith(("Name", "Identifier")) and key != "ServiceName"
            if own and "Fn::Sub" in str(value) and "${Environment}" not in str(value):
                yield f"{name} has a name that another environment may have"
        for text in (text for each in dicts_in(one) for text in each.values() if isinstance(text, str)):
            if re.search(r"(^|[/:])elastic-images-", text) and "${Environment}" not in text:
                yield f"{name} names what another environment may have"


def parameters_have_rules(template: Template) -> Iterator[str]:
    for name, parameter in template["Parameters"].items():
        if not {"AllowedValues", "AllowedPattern", "MinValue"} & set(parameter):
            yield f"{name} takes anything"


_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
RULES: tuple[Rule, ...] = (
    no_port_is_open,
    the_way_out_is_narrow,
    nothing_is_public,
    no_policy_is_a_star,
    data_are_kept,
    all_is_encrypted,
    all_is_said_by_tls,
    buckets_are_as_the_store_needs_them,
    nodes_tell_their_facts_by_tokens,
    all_is_tagged,
    queues_wait_and_give_up,
    alarms_reach_somebody,
    logs_end,
    names_are_an_environments_own,
    parameters_have_rules,
)


def findings(template: Template, rules: tuple[Rule, ...] = RULES) -> list[str]:
    """All that is wrong with it."""
    return [found for rule in rules for found in rule(template)]
