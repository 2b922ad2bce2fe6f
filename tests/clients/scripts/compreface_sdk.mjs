// Every method of @exadel/compreface-js-sdk against the server that is given; the last line
// printed is what was answered, as JSON.
//
// Arguments: server, port, key, the paths of a person and of the same one again (beginning with a
// dot, as the package wants them), and the URLs of this one and of another person.

import { readFileSync } from 'node:fs';

import { CompreFace } from '@exadel/compreface-js-sdk';

const [server, port, key, person, again, againUrl, otherUrl] = process.argv.slice(2);
const face = new CompreFace(server, port);
const recognition = face.initFaceRecognitionService(key);
const detection = face.initFaceDetectionService(key);
const verification = face.initFaceVerificationService(key);
const base64 = (path) => readFileSync(path).toString('base64');
// Each object of the package changes its own address: one for each call.
const examples = () => recognition.getFaceCollection();
const subjects = () => recognition.getSubjects();
const failed = (promise) => promise.then(
  () => null,
  (error) => [error.response.status, error.response.data],
);

const told = {};
told.subject = await subjects().add('Joe');
told.example = await examples().add(person, 'Barack', { det_prob_threshold: 0.8 });
told.fromUrl = await examples().add(otherUrl, 'Joe', {});
told.list = await examples().list();
told.recognized = await recognition.recognize(again, { det_prob_threshold: 0.5, status: true });
told.fromBase64 = await recognition.recognize(base64(again), {});
told.chunked = await recognition.recognize(againUrl, { limit: 1, prediction_count: 2 });
told.detected = await detection.detect(again, { det_prob_threshold: 0.8, status: 'true' });
told.verified = await verification.verify(person, again, {});
told.verifiedUrls = await verification.verify(againUrl, otherUrl, { limit: 1 });
told.verifiedMixed = await verification.verify(person, againUrl, {});
told.verifiedBase64 = await verification.verify(base64(person), base64(again), {});
told.verifiedExample = await examples().verify(again, told.example.image_id, { status: true });
told.noName = await failed(subjects().add(''));
told.renamed = await subjects().rename('Barack', 'Joe');
told.subjects = await subjects().list();
told.deleted = await examples().delete(told.example.image_id);
told.missing = await failed(examples().delete(told.example.image_id));
told.deletedSome = await examples().delete_multiple_images([told.fromUrl.image_id]);
told.third = await examples().add(person, 'Third', {});
told.deletedOfSubject = await examples().delete_all_subject('Third');
told.fourth = await examples().add(person, 'Fourth', {});
told.deletedAll = await examples().delete_all();
told.fifth = await subjects().add('Fifth');
told.deletedSubject = await subjects().delete('Fifth');
told.deletedSubjects = await subjects().deleteAll();
console.log(JSON.stringify(told));
