"""What is kept of what arrives (SPEC O2): each product's own rule for operations through its open API.

Everything else is kept, in the catalogue or not: what is not is marked, so that it can be asked for.
"""

from __future__ import annotations

from lib.logs.catalogue import OpenApi, catalogued, products


def policy_of(product: str) -> OpenApi:
    """Which operations through its open API are kept of a product; all, of one that is unknown."""
    known = products().get(product)
    return known.openapi if known else OpenApi.ALL


def is_kept(product: str, module: str, submodule: str, action: str, channel: str) -> bool:
    """Whether an operation goes into the log; `channel` is ui, openapi or system."""
    if channel != "openapi":
        return True
    policy = policy_of(product)
    if policy is OpenApi.CATALOGUED:
        return catalogued(product, module, submodule, action) is not None
    return policy is OpenApi.ALL
