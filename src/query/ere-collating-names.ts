/**
 * Names of collating symbols, `[.space.]`: those of the POSIX portable character set
 * (POSIX.1-2017 XBD §6.1, table 6-1). A symbol may also be written as the one character it stands for.
 */

/** Names of the characters U+0000 to U+0020, in order; several names of one are separated by `/`. */
const CONTROLS =
  'NUL,SOH,STX,ETX,EOT,ENQ,ACK,alert/BEL,backspace/BS,tab/HT,newline/LF,vertical-tab/VT,form-feed/FF,' +
  'carriage-return/CR,SO,SI,DLE,DC1,DC2,DC3,DC4,NAK,SYN,ETB,CAN,EM,SUB,ESC,' +
  'IS4/FS,IS3/GS,IS2/RS,IS1/US,space';

const PUNCTUATION: readonly (readonly [string, string])[] = [
  ['!', 'exclamation-mark'],
  ['"', 'quotation-mark'],
  ['#', 'number-sign'],
  ['$', 'dollar-sign'],
  ['%', 'percent-sign'],
  ['&', 'ampersand'],
  ["'", 'apostrophe'],
  ['(', 'left-parenthesis'],
  [')', 'right-parenthesis'],
  ['*', 'asterisk'],
  ['+', 'plus-sign'],
  [',', 'comma'],
  ['-', 'hyphen-minus/hyphen'],
  ['.', 'full-stop/period'],
  ['/', 'slash/solidus'],
  [':', 'colon'],
  [';', 'semicolon'],
  ['<', 'less-than-sign'],
  ['=', 'equals-sign'],
  ['>', 'greater-than-sign'],
  ['?', 'question-mark'],
  ['@', 'commercial-at'],
  ['[', 'left-square-bracket'],
  ['\\', 'backslash/reverse-solidus'],
  [']', 'right-square-bracket'],
  ['^', 'circumflex/circumflex-accent'],
  ['_', 'underscore/low-line'],
  ['`', 'grave-accent'],
  ['{', 'left-brace/left-curly-bracket'],
  ['|', 'vertical-line'],
  ['}', 'right-brace/right-curly-bracket'],
  ['~', 'tilde'],
  ['\x7f', 'DEL'],
];

const DIGITS = 'zero,one,two,three,four,five,six,seven,eight,nine';

const byName = new Map<string, number>();
CONTROLS.split(',').forEach((names, code) => {
  for (const name of names.split('/')) byName.set(name, code);
});
DIGITS.split(',').forEach((name, digit) => {
  byName.set(name, 0x30 + digit);
});
for (const [character, names] of PUNCTUATION) {
  for (const name of names.split('/')) byName.set(name, character.charCodeAt(0));
}

/** The code point that `[.text.]` stands for; undefined when there is no such collating element. */
export function collatingElement(text: string): number | undefined {
  const [first, ...more] = text;
  if (first !== undefined && more.length === 0) return first.codePointAt(0);
  return byName.get(text);
}
