"""What request and response bodies share."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


Metadata = dict[str, str | bool | int | float | list[str]]


class Model(BaseModel):
    """A body that leaves out what is not set, and ignores fields that it does not know."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")


class MediaSource(Model):
    base64_string: str | None = None
    url: str | None = None
    asset_id: str | None = None


class PageInfo(Model):
    page: int
    limit_per_page: int
    total_page: int
    total_results: int


class Page(Model, Generic[T]):
    data: list[T]
    page_info: PageInfo


class Problem(Model):
    """The body of every refusal."""

    code: str
    message: str
    docs_url: str | None = None


class NestedProblem(Model):
    """The same in another form, at one endpoint."""

    error: Problem
