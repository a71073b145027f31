"""The published document describes the API as it answers."""

import httpx

DOCUMENT = "/api/linkwork/v1/openapi.json"


async def test_the_document_holds_the_api_with_its_tokens_and_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get(DOCUMENT)).json()

    assert all(path.startswith("/api/") for path in document["paths"])
    create = document["paths"]["/api/linkwork/v1/samples"]["post"]
    assert create["security"] == [{"bearer": []}]
    assert set(create["responses"]) == {"200", "4XX", "5XX"}
    assert "HTTPValidationError" not in str(document)
    problem = document["components"]["schemas"]["Problem"]
    answer = (await client.post("/api/linkwork/v1/samples", json={})).json()
    assert set(answer) <= set(problem["properties"])
    assert set(problem["required"]) <= set(answer)
