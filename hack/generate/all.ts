/** `npm run generate`: writes every generated file anew. */
import { generateContracts } from './contracts.ts';
import { generateCrds } from './crds.ts';
import { generateReleaseCatalogue } from './release-catalogue.ts';

await generateCrds({});
await generateReleaseCatalogue({});
await generateContracts({});
console.log('✓ crds/, the release catalogue and the protobuf code are written anew');
