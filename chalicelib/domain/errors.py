"""Everything that can go wrong, in one tree. No error knows an HTTP status: `web/http.py` holds that table.

StoreError
├── RequestError              what was asked for is not right
│   ├── InvalidKeyError         not a key
│   ├── InvalidValueError       a field is missing, of the wrong type or out of range
│   ├── NotFoundError           no such image
│   │   └── AccountLinkError      a link that was mailed or printed leads nowhere any more
│   ├── UnknownNodeError        no such cache node
│   ├── UnknownUserError        no such user
│   ├── UnknownDumpError        no such dump
│   ├── UnknownReceiptError     no such erasure
│   ├── UnknownDownloadError    no such download
│   ├── DownloadsUnderWayError  as many downloads are being made as may be
│   ├── UnknownAlbumError       no such album
│   ├── UnknownShareError       no such link, or not any more
│   ├── ShareLockedError        the link asks for a password first
│   ├── PreconditionError       the image is not the one the caller had in mind
│   ├── KeyTakenError           another image has that key
│   ├── UnsupportedTypeError    the bytes are none of the formats that are kept
│   ├── TooLargeError           a limit on bytes, pixels or frames is passed
│   ├── UnreadableImageError    the format is right, the bytes are damaged or hostile
│   ├── QuotaError              the owner would have more bytes than the quota allows
│   ├── UploadsBlockedError     an admin has blocked uploads
│   ├── LastAdminError          there would be no admin any more
│   ├── UnknownUploadError      no such upload
│   ├── NotArrivedError         nothing was uploaded yet
│   ├── UploadsClosedError      nothing is taken from this account
│   ├── IdempotencyKeyReusedError  another request carried the same key
│   ├── NotSignedInError        nobody knows who asks
│   ├── ToBeErasedError         the account's owner asked to erase it
│   └── TooManyTriesError       of a kind that is counted; later it may be tried again
├── NoticeRefusedError        the topic takes no such notice or subscription; trying again changes nothing
├── LabelsRefusedError        the image is not looked at; trying again changes nothing
├── DoneBeforeError           another run of the same did it meanwhile; never reaches a person
└── UnavailableError          a part that is needed does not answer; to be tried again
    ├── RowsUnavailableError    the database
    ├── SecretsUnavailableError a secret cannot be read
    ├── ObjectsUnavailableError the object store
    │   └── PartsLostError        an object written in parts has to be begun anew
    ├── QueueUnavailableError   the job queue; a job's row outlives it
    ├── MailUnavailableError    mail cannot be sent
    ├── NoticesUnavailableError the topic of notices
    ├── LabelsUnavailableError  what names the things that an image shows
    ├── NodeError               a cache node; never reaches a person, the origin answers instead
    └── OverloadedError         more work under way than can be taken on
"""


class StoreError(Exception):
    """Base of all errors of this project; its text is meant for the person who asked."""


class RequestError(StoreError):
    """What was asked for is not right; asking again changes nothing."""


class InvalidKeyError(RequestError):
    """The text is not a key."""


class InvalidValueError(RequestError):
    """A field is missing, of the wrong type or out of range.

    `field` names it, so that a form can point at it.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotFoundError(RequestError):
    """No such image for this owner."""


class UnknownNodeError(RequestError):
    """The fleet map names no such node."""


class UnknownUserError(RequestError):
    """No account belongs to such an owner."""


class UnknownDumpError(RequestError):
    """No such dump, or it is removed already."""


class AccountLinkError(NotFoundError):
    """A link that was mailed or printed was used, or is too old."""


class UnknownReceiptError(RequestError):
    """No such receipt of an erasure, or it was withdrawn."""


class UnknownDownloadError(RequestError):
    """No such download or zip for this owner, or it is removed already."""


class DownloadsUnderWayError(RequestError):
    """As many of the owner's downloads are being made as may be at once."""


class UnknownAlbumError(RequestError):
    """No such album for this owner."""


class UnknownShareError(RequestError):
    """There is no such link, or it is over: which of the two is not told."""


class ShareLockedError(RequestError):
    """The link asks for a password that was not given."""


class PreconditionError(RequestError):
    """The image is not, or no longer, the one the caller had in mind."""


class KeyTakenError(RequestError):
    """Another image of the owner's has that key."""


class UnsupportedTypeError(RequestError):
    """The bytes are none of the formats that are kept."""


class TooLargeError(RequestError):
    """A limit on bytes, pixels or frames is passed."""


class UnreadableImageError(RequestError):
    """The bytes claim a format that is kept, but are damaged or hostile."""


class QuotaError(RequestError):
    """The owner would have more bytes than the quota allows."""


class UploadsBlockedError(RequestError):
    """An admin has blocked uploads, those under way too."""


class LastAdminError(RequestError):
    """The last admin can be neither disabled nor made a user."""


class UnknownUploadError(RequestError):
    """No such upload for this owner, or it ended so long ago that it is forgotten."""


class NotArrivedError(RequestError):
    """The upload's bytes are not in the object store."""


class UploadsClosedError(RequestError):
    """Nothing is taken from this account."""


class IdempotencyKeyReusedError(RequestError):
    """The key came with another request before."""


class NotSignedInError(RequestError):
    """Nobody is signed in, or not any more."""


class ToBeErasedError(RequestError):
    """The account is to be erased, and can only be withdrawn from that."""


class TooManyTriesError(RequestError):
    """Too many tries of a kind that is counted. They are counted by the database's clock."""


class NoticeRefusedError(StoreError):
    """The topic refused a notice or a subscription, and would again."""


class LabelsRefusedError(StoreError):
    """The image was refused by what names the things it shows, and would be again."""


class DoneBeforeError(StoreError):
    """Another run of the same did it meanwhile, and its answer stands. Never reaches a person."""


class UnavailableError(StoreError):
    """A part that is needed does not answer; the same request may succeed later."""


class SecretsUnavailableError(UnavailableError):
    """Secrets Manager does not tell a secret that is needed."""


class RowsUnavailableError(UnavailableError):
    """The database does not answer."""


class ObjectsUnavailableError(UnavailableError):
    """The object store does not answer."""


class PartsLostError(ObjectsUnavailableError):
    """The object store knows nothing of parts that were stored: they were given up, or the object is complete."""


class QueueUnavailableError(UnavailableError):
    """The job queue does not answer. The job's row is there, and the schedule sends it again."""


class MailUnavailableError(UnavailableError):
    """Mail cannot be sent at present."""


class NoticesUnavailableError(UnavailableError):
    """The topic of notices does not answer; the notice's job outlives it."""


class LabelsUnavailableError(UnavailableError):
    """What names the things that an image shows does not answer."""


class NodeError(UnavailableError):
    """A cache node does not answer, or not sensibly. The origin answers instead."""


class OverloadedError(UnavailableError):
    """More work is under way than can be taken on."""
