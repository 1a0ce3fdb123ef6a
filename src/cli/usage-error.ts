import { ShoalError } from '../errors.js';

/** Thrown when a command line asks for something that does not exist or makes no sense. Ends with exit code 2. */
export class UsageError extends ShoalError {
  readonly code = 'usage';
}
