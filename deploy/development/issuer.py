"""The development issuer: enough OpenID Connect to sign in as an invented user."""

from typing import Any

from fastapi import APIRouter

from deploy.development.authorize import ACR_VALUES, authorize_routes
from deploy.development.grants import Codes
from deploy.development.settings import DevelopmentSettings
from deploy.development.signing import ALGORITHM, IssuerKey
from deploy.development.token_endpoint import TokenEndpoint, token_routes
from deploy.development.users import KnownUsers
from shared.platform.clock import Clock
from shared.platform.localities import Localities

PATH = "/dev/issuer"


def issuer_routes(
    settings: DevelopmentSettings, directory: KnownUsers, localities: Localities, key: IssuerKey, clock: Clock
) -> APIRouter:
    """Discovery, keys, the sign-in page and the token endpoint."""
    router = APIRouter(prefix=PATH, include_in_schema=False)
    codes = Codes(clock)

    @router.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return discovery_document(settings.issuer)

    @router.get("/jwks.json")
    async def jwks() -> dict[str, Any]:
        return key.public_keys()

    router.include_router(authorize_routes(settings, directory, localities, codes))
    router.include_router(token_routes(TokenEndpoint(settings, directory, key, codes)))
    return router


def discovery_document(issuer: str) -> dict[str, Any]:
    """OpenID Connect discovery, with the addresses at which browsers reach the issuer."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid"],
        "acr_values_supported": list(ACR_VALUES),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
