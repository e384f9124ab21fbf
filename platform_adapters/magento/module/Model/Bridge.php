<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\Exception\InputException;
use Storebridge\Connect\Api\BridgeInterface;
use Storebridge\Connect\Model\Order\Ledger;
use Storebridge\Connect\Model\Order\Placer;

class Bridge implements BridgeInterface
{
    private const MOST = 300;

    public function __construct(
        private readonly Placer $placer,
        private readonly Ledger $ledger,
        private readonly Salable $salable,
        private readonly Health $health,
        private readonly Connector $connector,
        private readonly Sender $sender
    ) {
    }

    public function place($order)
    {
        return [$this->placer->place(is_array($order) ? $order : [])];
    }

    public function find($refs)
    {
        return $this->ledger->find($this->listed(is_array($refs) ? $refs : [], 'refs'));
    }

    public function salable(array $skus, string $website)
    {
        return $this->salable->of(array_map('strval', $this->listed($skus, 'skus')), $website);
    }

    public function health()
    {
        return [$this->health->told()];
    }

    public function test(string $marker)
    {
        if (preg_match('/^[0-9A-Za-z]{1,40}$/D', $marker) !== 1) {
            throw new InputException(__('"%fieldName" is required. Enter and try again.', ['fieldName' => 'marker']));
        }
        $trouble = $this->sender->test($marker);
        return [['connected' => $trouble !== null, 'trouble' => (string)$trouble]];
    }

    public function prove(string $code, string $challenge)
    {
        return [$this->connector->prove($code, $challenge)];
    }

    private function listed(array $rows, string $field): array
    {
        if (count($rows) > self::MOST) {
            throw new InputException(__('"%fieldName" holds too many.', ['fieldName' => $field]));
        }
        return array_values($rows);
    }
}
