import { runCommand } from './command.ts';

/** Base address of the Debian archive that the host's apt is set up with. */
export async function debianMirror(): Promise<string> {
  const format = '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)';
  const list = async () =>
    (await runCommand('apt-get', ['indextargets', '--format', format])).split('\n').map((line) => line.split('|'));
  const find = (targets: string[][]) =>
    targets.find(
      ([origin, label, component]) => origin === 'Debian' && label === 'Debian' && component === 'main',
    )?.[3];
  let mirror = find(await list());
  if (mirror === undefined) {
    // Until its lists have been fetched once, apt does not know whose they are.
    await runCommand('apt-get', ['-qq', 'update']);
    mirror = find(await list());
  }
  if (mirror === undefined)
    throw new Error('no Debian archive is set up in this host’s apt: its packages cannot be had');
  return mirror;
}
