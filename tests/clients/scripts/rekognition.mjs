// Rekognition's operations with Amazon's SDK for JavaScript as it is published; prints JSON.
// Arguments: two photographs of one person, one of another person, one without a face.

import { readFileSync } from "node:fs";
import * as sdk from "@aws-sdk/client-rekognition";

const [one, again, other, empty] = process.argv.slice(2, 6).map((path) => ({
  Bytes: readFileSync(path),
}));
const CollectionId = "javascript";
const client = new sdk.RekognitionClient({ region: "eu-central-1", endpoint: process.argv[6] });
const told = {};

function ask(operation, members) {
  return client.send(new sdk[`${operation}Command`](members));
}

async function errorOf(operation, members) {
  try {
    await ask(operation, members);
  } catch (error) {
    return [error.name, error.$metadata.httpStatusCode, error.message];
  }
  return "none";
}

told.unknown = await errorOf("DescribeCollection", { CollectionId });
told.created = (await ask("CreateCollection", { CollectionId })).StatusCode;
const ids = {};
for (const [name, Image] of Object.entries({ one, again, other })) {
  const answer = await ask("IndexFaces", { CollectionId, Image, ExternalImageId: name });
  ids[name] = answer.FaceRecords[0].Face.FaceId;
}
told.described = (await ask("DescribeCollection", { CollectionId })).CreationTimestamp instanceof Date;
told.noFace = await errorOf("SearchFacesByImage", { CollectionId, Image: empty });
told.byImage = (
  await ask("SearchFacesByImage", { CollectionId, Image: one, FaceMatchThreshold: 80 })
).FaceMatches.map((match) => match.Face.ExternalImageId);
told.same = (await ask("CompareFaces", { SourceImage: one, TargetImage: again })).FaceMatches.length;
await ask("CreateUser", { CollectionId, UserId: "ann" });
told.associated = (
  await ask("AssociateFaces", { CollectionId, UserId: "ann", FaceIds: [ids.one, ids.again] })
).AssociatedFaces.length;
told.users = (await ask("SearchUsersByImage", { CollectionId, Image: again })).UserMatches.map(
  (match) => match.User.UserId,
);
told.faces = [];
for await (const page of sdk.paginateListFaces({ client, pageSize: 2 }, { CollectionId })) {
  told.faces.push(...page.Faces.map((face) => face.ExternalImageId));
}
told.taken = (await errorOf("CreateUser", { CollectionId, UserId: "ann" }))[0];
told.dropped = (await ask("DeleteCollection", { CollectionId })).StatusCode;
console.log(JSON.stringify(told));
