"""Files in forms, as models have them and OpenAPI tells of them."""

from typing import Annotated

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from werkzeug.datastructures import FileStorage


class _Upload:
    """Tells pydantic that werkzeug's files are files, and text is none."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[FileStorage], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.is_instance_schema(FileStorage)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "binary", "minLength": 1}


File = Annotated[FileStorage, _Upload]
"""A file of a form."""
