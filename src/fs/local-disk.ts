/** Whether a file lies on a disk of this machine, where looking at an open file takes microseconds, and no server is asked. */
import { statfs } from 'node:fs/promises';

/** Numbers by which Linux tells file systems (statfs(2)). What is not here may ask somebody else. */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xca451a4e, // bcachefs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x4d44, // vfat
  0x2011bab0, // exfat
  0x7366746e, // ntfs3
  0x9660, // iso9660
  0x73717368, // squashfs
  0x794c7630, // overlayfs, as containers have it: of two of these
]);

/** Never rejects. */
export async function isOnLocalDisk(path: Buffer): Promise<boolean> {
  try {
    return LOCAL.has((await statfs(path)).type);
  } catch {
    return false;
  }
}
