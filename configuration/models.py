"""Properties, who may see and change them, access tokens and salts. Processing gets them through snapshot.py."""

import secrets
import string
import zoneinfo
from typing import Any, ClassVar, Final, Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from configuration.currency_models import ExchangeRate
from configuration.domains import clean_domains
from configuration.rule_models import AuditEntry, DraftRule, RulesVersion, newest_version
from configuration.ruleset.context import UNKNOWN, UNKNOWN_PROPERTY, IdentityMode, ReceiveSettings
from configuration.ruleset.ruleset import PropertySettings
from configuration.sign_in_records import SignInRecord

__all__ = [
    "AuditEntry",
    "DraftRule",
    "ExchangeRate",
    "Property",
    "PropertySalt",
    "DaySalt",
    "RulesVersion",
    "SignInRecord",
    "Token",
    "may_edit",
    "may_see",
]

MEASUREMENT_ID_LETTERS: Final = string.ascii_uppercase + string.digits
SHORTEST_TIMEOUT_S: Final = 5 * 60
LONGEST_TIMEOUT_S: Final = 7 * 3600 + 55 * 60
ADDRESS_BITS: Final[dict[str, tuple[int, int]]] = {"24/48": (24, 48), "16/32": (16, 32), "none": (0, 0)}
LONGEST_ENGAGED_S: Final = 3600


def new_number() -> int:
    """Nine random digits, so that a new property does not get the number, and the data, of a deleted one."""
    return 100_000_000 + secrets.randbelow(900_000_000)


def new_measurement_id() -> str:
    return "G-" + "".join(secrets.choice(MEASUREMENT_ID_LETTERS) for _ in range(10))


def validate_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError("%(name)s is not a time zone. Write one like Europe/Berlin.", params={"name": repr(name)})


class PropertyQuerySet(models.QuerySet["Property"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> "PropertyQuerySet":
        """Superusers see all properties, other users those that they are viewers of."""
        if getattr(user, "is_superuser", False):
            return self
        return self.filter(viewers=user.pk) if user.is_authenticated else self.none()


class PresentProperties(models.Manager["Property"]):
    """Leaves out deleted properties: almost every query means the others."""

    def get_queryset(self) -> PropertyQuerySet:
        return PropertyQuerySet(self.model, using=self._db).filter(deleted_at=None)

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> PropertyQuerySet:
        return self.get_queryset().visible_to(user)


class Property(models.Model):
    """One measured site or app. A deleted one disappears at once; its row is deleted after all of its data."""

    class Identity(models.TextChoices):
        COOKIE = "cookie", "Cookie: recognise returning visitors"
        COOKIELESS = "cookieless", "Cookieless: visitors are told apart within one day only"

    class AddressPrecision(models.TextChoices):
        NETWORK = "24/48", "Network: 203.0.113.0 of 203.0.113.77"
        PROVIDER = "16/32", "Coarse: 203.0.0.0 of 203.0.113.77"
        NONE = "none", "None: no part of the address"

    id = models.BigIntegerField("property id", primary_key=True, default=new_number, editable=False)
    measurement_id = models.CharField(
        "measurement id",
        max_length=32,
        unique=True,
        default=new_measurement_id,
        editable=False,
        help_text="The tracker sends it. It is public: anybody can read it in your pages.",
    )
    name = models.CharField(max_length=100, help_text="Your name for this site or app, for example “Shop”.")
    tag = models.CharField(
        max_length=50,
        blank=True,
        default="",
        help_text="A word that groups properties on the home page, such as the name of a client.",
    )
    domains = models.TextField(
        blank=True,
        help_text="The site's own domains, one per line, for example www.example.org. "
        "Visits that lead from one of them to another are not referrals.",
    )
    zone = models.CharField(
        "time zone",
        max_length=64,
        default="Etc/UTC",
        validators=[validate_zone],
        help_text="Days in reports begin and end in this zone, for example Europe/Berlin. "
        "A change takes effect for past and future together, when it is published and applied to history.",
    )
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", "Write the three capital letters of a currency, for example EUR.")],
        help_text="Three letters, for example EUR. Reports show money in this currency.",
    )
    session_timeout_s = models.PositiveIntegerField(
        "session timeout, seconds",
        default=1800,
        validators=[MinValueValidator(SHORTEST_TIMEOUT_S), MaxValueValidator(LONGEST_TIMEOUT_S)],
        help_text="A visitor starts a new session after so long without an event: 300 (5 min) to 28500 (7 h 55 min). "
        "A change takes effect for past and future together, when it is published and applied to history.",
    )
    engaged_s = models.PositiveIntegerField(
        "engaged after, seconds",
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_ENGAGED_S)],
        help_text="A session counts as engaged when its pages were visible for longer than this, 1 to 3600. "
        "Two page views or a key event make it engaged too.",
    )
    bot_lists = models.BooleanField(
        "exclude known robots", default=True, help_text="The robots on the lists that come with Hitstream."
    )
    spam_list = models.BooleanField(
        "exclude known referrer spam",
        default=True,
        help_text="Visits that only advertise the address they claim to come from.",
    )
    identity = models.CharField(
        "visitors are recognised by",
        max_length=10,
        choices=Identity,
        default=Identity.COOKIE,
        help_text="A change affects new hits only.",
    )
    address_precision = models.CharField(
        "IP address stored",
        max_length=8,
        choices=AddressPrecision,
        default=AddressPrecision.NETWORK,
        help_text="How much of a visitor's address is stored once the country is looked up. The full address never is.",
    )
    remove_personal_data = models.BooleanField(
        "remove personal data from addresses",
        default=True,
        help_text="Values of parameters such as email, phone or token, and e-mail addresses, are removed from the "
        "addresses of pages and referrers and from event parameters before a hit is stored. "
        "A change affects new hits only.",
    )
    raw_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(4)],
        help_text="So many days after receipt, the single hits are deleted; reports stay, but new rules can "
        "no longer be applied to these days. Empty: kept forever.",
    )
    report_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(4)],
        help_text="Days older than this are deleted from reports. Empty: kept forever.",
    )
    viewers = models.ManyToManyField(
        User, blank=True, related_name="properties", help_text="Users who may see its reports, besides administrators."
    )
    created = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = PresentProperties()
    with_deleted = PropertyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        verbose_name_plural = "properties"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.domains = clean_domains(self.domains)

    def draft_settings(self) -> PropertySettings:
        """Returns the settings as they would be published with the rules."""
        return PropertySettings(
            zone=self.zone,
            currency=self.currency,
            session_timeout_s=self.session_timeout_s,
            engaged_s=self.engaged_s,
            domains=tuple(self.domains.split()),
            bot_lists=self.bot_lists,
            spam_list=self.spam_list,
        )

    def receive_settings(self) -> ReceiveSettings:
        """Returns the settings that hits are received and processed under: as they were published last."""
        newest = newest_version(self.pk)
        if newest is None:
            return self.receive_settings_under(0)
        return self.receive_settings_under(newest.number, newest.ruleset().settings)

    def receive_settings_under(self, number: int, published: PropertySettings | None = None) -> ReceiveSettings:
        """`number` is that of the rules; 0 if none are published, and the settings are those of the draft."""
        identity: IdentityMode = "cookieless" if self.identity == self.Identity.COOKIELESS else "cookie"
        settings = published or self.draft_settings()
        return ReceiveSettings(
            id=self.id,
            measurement_id=self.measurement_id,
            name=self.name,
            domains=settings.domains,
            zone=settings.zone,
            currency=settings.currency,
            session_timeout_s=settings.session_timeout_s,
            identity=identity,
            address_bits=ADDRESS_BITS[self.address_precision],
            rules=number,
            remove_personal_data=self.remove_personal_data,
        )

    def snippet(self, origin: str) -> str:
        """Returns the line for the head of each page; `origin` is this installation's address, such as
        https://stats.example.org.
        """
        return f'<script async src="{origin}/hs.js?id={self.measurement_id}"></script>'


class Token(models.Model):
    """A key for programs, stored as a hash: its text is shown once, when it is made (tokens.py)."""

    class Scope(models.TextChoices):
        READ = "read", "Read: reports"
        WRITE = "write", "Write: send hits with their own time"
        READ_WRITE = "read write", "Read and write"
        CONFIGURE = "configure", "Configure: read and change rules"
        MANAGE = "manage", "Manage: export and erase visitors, delete properties"

    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name="tokens",
        help_text="The token sees the properties that this user sees.",
    )
    name = models.CharField(max_length=100, help_text="Its purpose, for example “weekly report script”.")
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.READ)
    prefix = models.CharField(max_length=12, editable=False)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def allows(self, scope: str) -> bool:
        return scope in self.scope.split()


class DaySalt(models.Model):
    """Salts the visitor keys of one day. After it is deleted, nobody can link the day's keys to visitors any more."""

    day = models.DateField(primary_key=True)
    secret = models.BinaryField()

    def __str__(self) -> str:
        return self.day.isoformat()


class PropertySalt(models.Model):
    """Salts the visitor keys of a property's access logs, so that importing a file again gives the same keys."""

    property_number = models.BigIntegerField(primary_key=True)
    secret = models.BinaryField()

    def __str__(self) -> str:
        return str(self.property_number)


def may_see(user: Any, number: int) -> bool:
    """Returns whether a user may see the reports of the property with this number.

    Property 0 is for superusers only.
    """
    if number == 0:
        return bool(user.is_active and user.is_superuser)
    return Property.objects.visible_to(user).filter(pk=number).exists()


def people_visible_to(user: Any) -> models.QuerySet[User]:
    """Superusers see all people, other users those who share a property with them, and themselves."""
    if user.is_superuser:
        return User.objects.all()
    shared = Property.objects.visible_to(user).values("pk")
    return User.objects.filter(models.Q(pk=user.pk) | models.Q(pk__in=_viewers(shared)))


def _viewers(properties: Any) -> Any:
    return Property.viewers.through.objects.filter(property_id__in=properties).values("user_id")


def unknown_property() -> Property:
    """Property 0, as pages show it; it has no row."""
    return Property(id=UNKNOWN_PROPERTY, measurement_id="", name="Unknown measurement IDs", zone=UNKNOWN.zone)


def may_manage(user: Any, number: int, action: Literal["change", "delete"]) -> bool:
    """Returns whether a user may export and erase visitors ("change") or delete the property: superusers may, and
    viewers of it with Django's permission. Nobody may for property 0.
    """
    return number != 0 and may_see(user, number) and bool(user.has_perm(f"configuration.{action}_property"))


def may_edit(user: Any, number: int) -> bool:
    """Returns whether a user may change the rules of the property with this number. Property 0 has none."""
    return may_manage(user, number, "change")
