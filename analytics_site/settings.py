"""Django's settings. All of them come from the environment; docs/manual/settings.md explains each.

The defaults run everything on one machine and accept connections from that machine only.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from analytics_site import env
from analytics_site.databases import cluster, database, need_package
from configuration.addresses import is_server
from configuration.secret_files import keep_secret

BASE_DIR: Final = Path(__file__).resolve().parent.parent

# Addresses and folders
DATA: Final = env.folder("HITSTREAM_DATA", BASE_DIR / "var")
HOST: Final = env.text("HITSTREAM_HOST", "127.0.0.1")
PORT: Final = env.number("HITSTREAM_PORT", 8000, 1, 65535)
PUBLIC_URL: Final = env.url("HITSTREAM_URL", f"http://127.0.0.1:{PORT}", ("http", "https")).rstrip("/")
TRUSTED_PROXIES: Final = env.networks("HITSTREAM_TRUSTED_PROXIES")
CONNECTIONS: Final = env.number("HITSTREAM_CONNECTIONS", 8192, 64, 30_000)
CONNECTIONS_PER_ADDRESS: Final = env.number("HITSTREAM_CONNECTIONS_PER_ADDRESS", 512, 0, 30_000)
REQUEST_SECONDS: Final = env.number("HITSTREAM_REQUEST_SECONDS", 30, 1, 3600)
WRITE_SECONDS: Final = env.number("HITSTREAM_WRITE_SECONDS", 20, 1, 3600)
KEEP_ALIVE_SECONDS: Final = env.number("HITSTREAM_KEEP_ALIVE_SECONDS", 75, 1, 3600)
DEMO: Final = env.yes_or_no("HITSTREAM_DEMO", default=True)

# Log, store and database
EMBEDDED: Final = f"sqlite://{quote(str(DATA))}"
LOG_URL: Final = env.url("LOG_URL", f"{EMBEDDED}/log", ("sqlite", "kafka"))
STORE_URL: Final = env.url("STORE_URL", f"{EMBEDDED}/store", ("sqlite", "cassandra"))
SEGMENT_CACHE: Final = (DATA / "segment_cache", env.number("HITSTREAM_SEGMENT_CACHE_MB", 1024, 0, 10_000_000) * 2**20)
COLUMN_CACHE: Final = env.number("HITSTREAM_CACHE_MB", 160, 1, 1_000_000) * 2**20
DATABASE_URL: Final = env.url("DATABASE_URL", f"{EMBEDDED}/django.db", ("sqlite", "postgres", "postgresql"))
DATABASES: Final = {
    "default": database(DATABASE_URL),
    **cluster(STORE_URL),
}
TARGET_STORE_URL: Final = env.url("TARGET_STORE_URL", "", ("sqlite", "cassandra"), optional=True)
TARGET_DATABASE_URL: Final = env.url("TARGET_DATABASE_URL", "", ("sqlite", "postgres", "postgresql"), optional=True)
need_package("psycopg", "DATABASE_URL", used="postgresql" in DATABASES["default"]["ENGINE"])
LOG_RETENTION_HOURS: Final = env.number("HITSTREAM_LOG_HOURS", 72, 1, 8760)

# Parallel work
BROKER_URL: Final = env.url("BROKER_URL", "", ("redis", "rediss"), optional=True)
need_package("celery", "BROKER_URL", used=bool(BROKER_URL))
ENGINE_URL: Final = env.url("ENGINE_URL", "processes://", ("processes", "spark", "spark-local"))

# Requests that compute: how many at once in a process that answers reports, and how large (reporting/capacity/)
REPORTS_AT_ONCE: Final = env.number("HITSTREAM_REPORTS_AT_ONCE", 3, 1, 100)
REPORTS_PER_USER: Final = env.number("HITSTREAM_REPORTS_PER_USER", 2, 1, 100)
PAGES_AT_ONCE: Final = env.number("HITSTREAM_PAGES_AT_ONCE", 4, 1, 100)
PAGES_PER_USER: Final = env.number("HITSTREAM_PAGES_PER_USER", 2, 1, 100)
HEAVY_AT_ONCE: Final = env.number("HITSTREAM_HEAVY_AT_ONCE", 2, 1, 100)
HEAVY_STEPS: Final = env.number("HITSTREAM_HEAVY_STEPS", 100, 1, 1_000_000) * 10**6
WORK_WAITING: Final = env.number("HITSTREAM_REPORTS_WAITING", 8, 1, 100)
WORK_WAIT_S: Final = env.number("HITSTREAM_REPORT_WAIT_S", 10, 1, 600)
WORK_SECONDS: Final = env.number("HITSTREAM_REPORT_SECONDS", 60, 1, 86_400)
OTHER_THREADS: Final = env.number("HITSTREAM_OTHER_THREADS", 8, 1, 100)
REPORT_STEPS: Final = env.number("HITSTREAM_REPORT_STEPS", 10_000, 1, 1_000_000_000) * 10**6
REPORT_ROWS: Final = env.number("HITSTREAM_REPORT_ROWS", 1_000_000, 1, 1_000_000_000)
REPORT_CONDITIONS: Final = env.number("HITSTREAM_REPORT_CONDITIONS", 200, 1, 100_000)
REPORT_PATTERNS: Final = env.number("HITSTREAM_REPORT_PATTERNS", 100, 0, 100_000)
REPORT_PATTERN_CHARACTERS: Final = env.number("HITSTREAM_REPORT_PATTERN_CHARACTERS", 1024, 1, 100_000)
REPORT_VALUES: Final = env.number("HITSTREAM_REPORT_VALUES", 10_000, 1, 1_000_000)

# Files and secrets
PLACES: Final = env.file("HITSTREAM_PLACES")
ADAPTERS: Final = {
    "log": LOG_URL, "store": STORE_URL, "database": DATABASE_URL, "broker": BROKER_URL, "engine": ENGINE_URL,
}  # fmt: skip
IS_CLUSTER: Final = any(is_server(url) for part, url in ADAPTERS.items() if part != "engine")
# Where other machines may take part, a secret that this one makes for itself would be another one than theirs.
MAKES_SECRETS: Final = not any(map(is_server, ADAPTERS.values()))
SECRET_KEY = env.text("SECRET_KEY") or keep_secret(DATA / "secret_key", make=MAKES_SECRETS)
INSTALLATION_SECRET: Final = env.text("HITSTREAM_SECRET") or keep_secret(
    DATA / "installation_secret", make=MAKES_SECRETS
)

GIVEN_ADDRESSES: Final = [name for name in ("LOG_URL", "STORE_URL", "DATABASE_URL") if env.is_set(name)]
MISSING_SECRETS: Final = [
    name for name, value in (("HITSTREAM_SECRET", INSTALLATION_SECRET), ("SECRET_KEY", SECRET_KEY)) if not value
]

# Security
DEBUG = False
HTTPS: Final = PUBLIC_URL.startswith("https://")
if HTTPS and not TRUSTED_PROXIES:
    raise ImproperlyConfigured(
        "HITSTREAM_URL begins with https://, so HITSTREAM_TRUSTED_PROXIES must name the proxy that terminates TLS, "
        "for instance 127.0.0.1: without it every page would redirect to itself."
    )
ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "", "localhost", "127.0.0.1", "[::1]", *env.words("HITSTREAM_HOSTS")]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "hitstream_session"
CSRF_COOKIE_NAME = "hitstream_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 60 * env.number("HITSTREAM_IDLE_MINUTES", 480, 1, 525_600)  # since the last use: see sign_in.py
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
SIGN_IN_TRIES: Final = env.number("HITSTREAM_SIGN_IN_TRIES", 10, 1, 1000)
PASSWORD_HASHES: Final = env.number("HITSTREAM_PASSWORD_HASHES", 2, 1, 64)
PASSWORD_HASHERS = ["configuration.access.password_hashing.BoundedPBKDF2"]
AUTHENTICATION_BACKENDS = ["configuration.access.backend.LimitedBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Applications of Django
INSTALLED_APPS = [
    *(["django_cassandra_engine", "processing.clusters"] if "cassandra" in DATABASES else []),
    "analytics_site",
    "collection",
    "configuration",
    "processing",
    "reporting",
    "rest_framework",
    "drf_spectacular",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "analytics_site.compression.compress_answers",
    "analytics_site.security.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "analytics_site.security.forbid_caching",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "analytics_site.sign_in.SessionUse",
    "analytics_site.sign_in.SignInRefusals",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "reporting.work_turns.Turns",
    "reporting.storage_errors.StorageErrorPages",
    "analytics_site.error_pages.explain_refused_methods",
    "analytics_site.error_pages.RefusedNumbers",
]
ROOT_URLCONF = "analytics_site.urls"
WSGI_APPLICATION = "analytics_site.wsgi.application"
TEMPLATES: Final[list[dict[str, Any]]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["configuration.templatetags.words"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

# Pages
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
CLOCK = timezone.now  # noqa: TID251 - for configuration/clock.py alone
USE_I18N = False
FORMAT_MODULE_PATH = "analytics_site.formats"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "analytics_site.static_files.CompressedFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "reporting.dashboard.plotly_static.PackedFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"/plotly-[\d.]+\.min\.js$"

# API
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["configuration.api.body.StrictJson"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "configuration.access.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "EXCEPTION_HANDLER": "reporting.api.errors.answer_failure",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hitstream",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "configuration.api.schema.add_rules",
        "reporting.api.schema.add_segments",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "AUTHENTICATION_WHITELIST": [
        "rest_framework.authentication.SessionAuthentication"
    ],  # token authentication is described below
    "SECURITY": [{"token": []}],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "A token of `manage.py issue_token`."}
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {
        "outages": {"()": "configuration.outages.OutageFilter"},
        "broker answers": {"()": "configuration.outages.BrokerAnswers"},
        "bad requests": {"()": "configuration.outages.BadRequests"},
        "advice": {"()": "configuration.outages.CeleryAdvice"},
        "shared links": {"()": "configuration.shared_links.WithoutTokens"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["outages", "bad requests", "shared links"],
        }
    },
    # The drivers raise what they log: we log it once, as a sentence.
    "loggers": {
        "kafka": {"level": "CRITICAL"},
        "cassandra": {"level": "CRITICAL"},
        "celery": {"level": "WARNING"},
        "py.warnings": {"filters": ["advice"]},
        "celery.worker.consumer.connection": {"level": "INFO", "filters": ["broker answers"]},
    },
    "root": {"handlers": ["console"], "level": env.choice("HITSTREAM_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING"))},
}
