/** The chat of a node, as its limits have it; none where it may have no conversation. */
import { ChatService, type ChatServiceComponents } from '../chat/chat-service.js';
import type { Limits } from '../config/options.js';

export function nodeChat(components: ChatServiceComponents, limits: Limits): ChatService | undefined {
  return limits.conversations === 0 ? undefined : new ChatService(components, limits);
}
