<?php

declare(strict_types=1);

require __DIR__ . '/stand-ins.php';

spl_autoload_register(static function (string $class): void {
    $own = 'Storebridge\\Connect\\';
    if (str_starts_with($class, $own)) {
        $path = str_replace('\\', '/', substr($class, strlen($own))) . '.php';
        require dirname(__DIR__, 3) . '/platform_adapters/magento/module/' . $path;
    }
});

/**
 * The module's parts, put together over the stand-ins, with a bridge that answers as it is told to.
 */
final class World
{
    public readonly Magento\Framework\App\ResourceConnection $resource;
    public readonly Magento\Framework\FlagManager $flags;
    public readonly Magento\Framework\HTTP\Client\CurlFactory $net;
    public readonly Magento\Integration\Api\OauthServiceInterface $oauth;
    public readonly Magento\Integration\Api\IntegrationServiceInterface $integrations;
    public readonly Storebridge\Connect\Model\Memory $memory;
    public readonly Storebridge\Connect\Model\Settings $settings;
    public readonly Storebridge\Connect\Model\Signer $signer;
    public readonly Storebridge\Connect\Model\Client $client;
    public readonly Storebridge\Connect\Model\Outbox $outbox;
    public readonly Storebridge\Connect\Model\Health $health;
    public readonly Storebridge\Connect\Model\Sender $sender;
    public readonly Storebridge\Connect\Model\Connector $connector;
    public readonly Magento\Framework\Lock\LockManagerInterface $locks;
    public int $status = 200;
    public array $extra = [];
    public bool $isSigned = true;
    public array $answer = ['ok' => true];

    public function __construct(?Magento\Framework\App\ProductMetadataInterface $product = null)
    {
        $config = new Magento\Framework\App\Config\ReinitableConfigInterface();
        $config->values['storebridge/connection/bridge_url'] = 'https://bridge.example/';
        $encryptor = new Magento\Framework\Encryption\EncryptorInterface();
        $edition = new Storebridge\Connect\Model\Edition($product ?? new Magento\Framework\App\ProductMetadataInterface());
        $this->resource = new Magento\Framework\App\ResourceConnection();
        $this->flags = new Magento\Framework\FlagManager();
        $this->net = new Magento\Framework\HTTP\Client\CurlFactory();
        $this->net->answer = $this->answered(...);
        $this->locks = new Magento\Framework\Lock\LockManagerInterface();
        $this->oauth = new Magento\Integration\Api\OauthServiceInterface();
        $this->integrations = new Magento\Integration\Api\IntegrationServiceInterface();
        $this->memory = new Storebridge\Connect\Model\Memory($this->flags);
        $this->settings = new Storebridge\Connect\Model\Settings(
            $config,
            new Magento\Framework\App\Config\Storage\WriterInterface($config),
            $encryptor,
            new Magento\Store\Model\StoreManagerInterface()
        );
        $this->signer = new Storebridge\Connect\Model\Signer();
        $log = new Psr\Log\Silent();
        $this->client = new Storebridge\Connect\Model\Client($this->net, $this->settings, $this->signer, $log);
        $this->outbox = new Storebridge\Connect\Model\Outbox($this->resource, $this->memory);
        $this->health = new Storebridge\Connect\Model\Health($edition, $this->outbox, $this->memory);
        $this->sender = new Storebridge\Connect\Model\Sender(
            $this->outbox,
            $this->client,
            $this->settings,
            $this->memory,
            $this->health,
            $this->locks
        );
        $this->connector = new Storebridge\Connect\Model\Connector(
            $this->integrations,
            $this->oauth,
            $this->settings,
            $this->client,
            $this->memory,
            $encryptor,
            $edition
        );
    }

    public function connected(): self
    {
        $this->settings->connected('s1', 'c1', 'Shop', str_repeat('5e', 32));
        return $this;
    }

    /**
     * Bodies of the calls of one act.
     */
    public function told(string $act): array
    {
        $ours = array_filter($this->net->sent, static fn (array $sent): bool => str_ends_with($sent[0], "/$act"));
        return array_map(static fn (array $sent): array => json_decode($sent[1], true), array_values($ours));
    }

    private function answered(string $url, string $raw, array $headers): array
    {
        $act = basename($url);
        $text = $this->status === 200 ? (string)json_encode($this->answer) : 'Not now.';
        $header = $headers[Storebridge\Connect\Model\Signer::HEADER] ?? '';
        $found = preg_match('/n=([0-9a-f]{32})/', $header, $nonce) && $this->isSigned
            ? ['x-storebridge-signature' => $this->signer->sign($this->settings->secret(), "$act.answer", $text, time(), $nonce[1])]
            : [];
        return [$this->status, $text, $found + $this->extra];
    }
}
