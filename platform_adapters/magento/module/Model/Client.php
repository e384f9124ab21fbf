<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\HTTP\Client\CurlFactory;
use Psr\Log\LoggerInterface;

/**
 * The only place that calls the bridge. Follows no redirect, waits 5 s for a connection and 15 s for an answer; to be
 * connected takes longer, since the bridge calls the store back and tries what it was given.
 */
class Client
{
    private const SECONDS = 15;
    private const SECONDS_TO_CONNECT = 90;

    public function __construct(
        private readonly CurlFactory $curls,
        private readonly Settings $settings,
        private readonly Signer $signer,
        private readonly LoggerInterface $log
    ) {
    }

    /**
     * A signed call. The clock may have been set between two calls: a 401 is tried once more, signed anew.
     */
    public function tell(string $act, array $body): Told
    {
        if (!$this->settings->isConnected()) {
            return new Told(410, (string)__('The store is not connected.'));
        }
        $raw = $this->encoded($body);
        $told = $this->signed($act, $raw);
        return $told->status === 401 ? $this->signed($act, $raw) : $told;
    }

    /**
     * A call that nothing is agreed on for yet.
     */
    public function ask(string $url, array $body): Told
    {
        return $this->post($url, $this->encoded($body), [], null, self::SECONDS_TO_CONNECT);
    }

    private function signed(string $act, string $raw): Told
    {
        [$secret, $nonce] = [$this->settings->secret(), bin2hex(random_bytes(16))];
        $header = $this->signer->sign($secret, $act, $raw, time(), $nonce);
        $isOurs = fn (string $mark, string $text): bool
            => $this->signer->verify($mark, "$act.answer", $text, [$secret], time(), $nonce);
        return $this->post($this->settings->address() . "/$act", $raw, [Signer::HEADER => $header], $isOurs);
    }

    private function post(
        string $url,
        string $raw,
        array $headers,
        ?callable $isGenuine,
        int $seconds = self::SECONDS
    ): Told {
        $curl = $this->curls->create();
        // Without the last one curl asks for a "100 Continue", which Magento's client takes for the answer's status.
        $curl->setHeaders($headers + ['Content-Type' => 'application/json', 'Expect' => '']);
        $curl->setOption(CURLOPT_CONNECTTIMEOUT, 5);
        $curl->setOption(CURLOPT_FOLLOWLOCATION, false);
        $curl->setOption(CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
        $curl->setTimeout($seconds);
        try {
            $curl->post($url, $raw);
        } catch (\Exception $error) {
            $this->log->warning('Storebridge does not answer: ' . $error->getMessage());
            return new Told(0, (string)__('Storebridge does not answer: %1', $error->getMessage()));
        }
        $found = array_change_key_case((array)$curl->getHeaders(), CASE_LOWER);
        [$status, $text] = [(int)$curl->getStatus(), (string)$curl->getBody()];
        $mark = (string)($found[strtolower(Signer::HEADER)] ?? '');
        $good = $status === 200 && $isGenuine !== null && $isGenuine($mark, $text);
        return new Told($status, $text, $good, max(0, (int)($found['retry-after'] ?? 0)));
    }

    private function encoded(array $body): string
    {
        return json_encode($body, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
    }
}
