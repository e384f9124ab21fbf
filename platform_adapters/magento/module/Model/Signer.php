<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

/**
 * Signatures between the module and the bridge, as docs/store-modules.md of Storebridge has them.
 */
class Signer
{
    public const HEADER = 'X-Storebridge-Signature';
    private const WINDOW = 300;

    public function sign(string $secret, string $act, string $body, int $time, string $nonce): string
    {
        return "t=$time,n=$nonce,v1=" . hash_hmac('sha256', "$time\n$nonce\n$act\n$body", $secret);
    }

    /**
     * Whether one of the secrets has signed this for this act, within five minutes of now. With a nonce, the same
     * nonce.
     */
    public function verify(
        string $header,
        string $act,
        string $body,
        array $secrets,
        int $now,
        string $nonce = ''
    ): bool {
        $found = [];
        foreach (explode(',', substr($header, 0, 400)) as $part) {
            [$name, $value] = array_pad(explode('=', trim($part), 2), 2, '');
            $found[$name] = $value;
        }
        [$t, $n, $mac] = [$found['t'] ?? '', $found['n'] ?? '', $found['v1'] ?? ''];
        $isWhole = preg_match('/\A[0-9]{1,12}\z/', $t) && preg_match('/\A[0-9a-f]{32}\z/', $n)
            && preg_match('/\A[0-9a-f]{64}\z/', $mac);
        if (!$isWhole || ($nonce !== '' && !hash_equals($nonce, $n)) || abs($now - (int)$t) > self::WINDOW) {
            return false;
        }
        foreach (array_filter($secrets) as $secret) {
            if (hash_equals(hash_hmac('sha256', "$t\n$n\n$act\n$body", $secret), $mac)) {
                return true;
            }
        }
        return false;
    }
}
