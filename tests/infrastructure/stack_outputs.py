"""Outputs of stacks such as CloudFormation tells them, for tests that need no stack."""

from ops.aws.stage import Choices

ACCOUNT, REGION = "123456789012", "eu-west-1"
_SQS = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/elastic-images-blue-"
_SQS_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:elastic-images-blue-"
_SECRET_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:elastic-images/blue/"
OUTPUTS = {
    "VpcId": "vpc-0a1b2c3d",
    "PrivateSubnetIds": "subnet-0a1b2c3d,subnet-1a1b2c3d",
    "AppSecurityGroupId": "sg-0a1b2c3a",
    "ScalerSecurityGroupId": "sg-0a1b2c3b",
    "RotationSecurityGroupId": "sg-0a1b2c3c",
    "NodeSecurityGroupId": "sg-0a1b2c3d",
    "DatabaseSecurityGroupId": "sg-0a1b2c3e",
    "BucketName": f"elastic-images-blue-{ACCOUNT}-{REGION}",
    "BucketArn": f"arn:aws:s3:::elastic-images-blue-{ACCOUNT}-{REGION}",
    "IncomingQueueArn": f"{_SQS_ARN}incoming-images",
    "IncomingDeadQueueName": "elastic-images-blue-incoming-images-dead",
    "DatabaseHost": "elastic-images-blue.abc.eu-west-1.rds.amazonaws.com",
    "DatabasePort": "3306",
    "DatabaseReaderHost": "elastic-images-blue-reader.abc.eu-west-1.rds.amazonaws.com",
    "DatabaseReaderPort": "3306",
    "DatabaseSecretArn": f"{_SECRET_ARN}database-application-AbCdEf",
    "FormSecretArn": f"{_SECRET_ARN}forms-AbCdEf",
    "ImageSigningKeyId": "K2JCJMDEHXQW5F",
    "ImageSigningSecretArn": f"{_SECRET_ARN}addresses-AbCdEf",
    "JobQueueUrl": f"{_SQS}image-jobs",
    "JobQueueArn": f"{_SQS_ARN}image-jobs",
    "FleetQueueUrl": f"{_SQS}fleet-changes",
    "FleetQueueArn": f"{_SQS_ARN}fleet-changes",
    "NodeLaunchTemplateName": "elastic-images-blue-node",
    "NodeLaunchTemplateId": "lt-0a1b2c3d",
    "NodeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/elastic-images-blue-{REGION}-node",
    "MailSender": "images@example.org",
    "NoticeTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:elastic-images-blue-edit-notices",
}
CHOICES = Choices(environment="blue", account_id=ACCOUNT, region=REGION, size="standard")
