/** A million file names like those of real collections, the same for the same seed: a fifth of the words non-ASCII. */
import { pick, type Random, randomFrom } from '../test/support/ere-generator.js';

const WORDS = nonEmpty(
  'Nocturne Symphony Sonata Prelude Romeo Juliet History Theory Graph Algebra Linear Kernel Network Summer Winter ' +
    'Paris Berlin Rain Blue Night River Stone Silver Golden Garden Letters Journey Shadow Light Ocean Mountain ' +
    'The Of And In notes index main draft report invoice backup',
);
const OTHER_WORDS = nonEmpty(
  'война Мир Преступление и наказание 物語 夏目漱石 吾輩は猫である Beyoncé Dvořák Müller Ångström القرآن 한국어 Søren naïve',
);

export function nameCorpus(count: number, seed: number): string[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => pick(random, KINDS)(random));
}

type Kind = (random: Random) => string;
const KINDS: readonly [Kind, ...Kind[]] = [
  (random) => `IMG_${year(random)}${digits(random, 4)}_${digits(random, 6)}.jpg`,
  (random) => `DSC_${year(random)}${digits(random, 4)}_${digits(random, 4)}.jpeg`,
  (random) => `${digits(random, 2)} - ${word(random)} ${word(random)}.mp3`,
  (random) => `${word(random)} ${word(random)} - ${word(random)} (${date(random)}).flac`,
  (random) => `${word(random)}_${word(random)}_${digits(random, 3)}.epub`,
  (random) => `${word(random)} ${word(random)} ${word(random)}.pdf`,
  (random) => `${word(random)}.${word(random)}.${year(random)}.1080p.x264.mkv`,
  (random) =>
    `${word(random).toLowerCase()}-${word(random).toLowerCase()}.${pick(random, ['c', 'h', 'ts', 'py'])}`,
];

function word(random: Random): string {
  return pick(random, random() < 0.2 ? OTHER_WORDS : WORDS);
}

function year(random: Random): string {
  return `20${digits(random, 2)}`;
}

function date(random: Random): string {
  return `19${digits(random, 2)}-${digits(random, 2)}-${digits(random, 2)}`;
}

function digits(random: Random, count: number): string {
  return String(Math.floor(random() * 10 ** count)).padStart(count, '0');
}

function nonEmpty(words: string): readonly [string, ...string[]] {
  const [first = '', ...others] = words.split(' ');
  return [first, ...others];
}
