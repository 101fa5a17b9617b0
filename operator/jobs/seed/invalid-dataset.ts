import type { SeedDataset } from '../contract.ts';
import { JobError } from '../failures.ts';

/** What is wrong with a dataset, found before its first row is written. */
export function invalidDataset(dataset: SeedDataset, fault: string): JobError {
  return new JobError('InvalidDataset', `dataset "${dataset.name}": ${fault}`);
}
