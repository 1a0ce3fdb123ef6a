/** For tests of permissions, which do not bind root. */

/** The user that owns nothing. */
const NOBODY = 65_534;

/** Runs `test` as a user whom permissions bind: nobody, for the while, when this process is root's. */
export async function asOrdinaryUser<T>(test: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0 || process.seteuid === undefined) return test();
  process.seteuid(NOBODY);
  try {
    return await test();
  } finally {
    process.seteuid(0);
  }
}
